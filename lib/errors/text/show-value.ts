import { inspect } from 'node:util';

/** A value as a message names it: text in quotes, everything else as Node prints it. @internal */
export function showValue(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
    : inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 100 });
}

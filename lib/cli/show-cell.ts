import { plainValue } from '../metadata/plain-value.js';

/** A key in a table, as somebody types it. @internal */
export function showKey(key: unknown): string {
  return JSON.stringify(plainValue(key));
}

/** The day of a time in a table, UTC; nothing where there is none. @internal */
export function showDay(time: Date | null | undefined): string {
  return time?.toISOString().slice(0, 10) ?? '';
}

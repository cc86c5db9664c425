import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

interface Types {
  boolean: boolean;
  string: string;
  function: (...args: never) => unknown;
  list: readonly unknown[];
  object: object;
  AbortSignal: AbortSignal;
  Date: Date;
}

const FIRST = Date.parse('0001-01-01');
const LAST = Date.parse('9000-01-01');

const TYPES: {
  readonly [Name in keyof Types]: readonly [(value: unknown) => boolean, description: string, example: string];
} = {
  boolean: [(value) => typeof value === 'boolean', 'true or false', 'true or false, without quotes'],
  string: [(value) => typeof value === 'string' && value.trim() !== '', 'text', 'text that is not empty'],
  function: [(value) => typeof value === 'function', 'a function', 'a function'],
  list: [Array.isArray, 'a list', '[ … ]'],
  object: [(value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object', '{ … }'],
  // One of another realm, or of a polyfill, is no instance of this one's class.
  AbortSignal: [
    (value) =>
      typeof (value as AbortSignal | null)?.aborted === 'boolean' &&
      typeof (value as AbortSignal).addEventListener === 'function',
    'an AbortSignal',
    'the `signal` of an AbortController',
  ],
  // PostgreSQL writes others in another way, and a deadline may come a thousand years later.
  Date: [
    (value) => value instanceof Date && value.getTime() >= FIRST && value.getTime() < LAST,
    'a date',
    'a valid Date of the years 1 to 8999',
  ],
};

/**
 * An option of a type, if it is given.
 *
 * @throws SoftDeleteConfigError if it is something else
 * @internal
 */
export function requireType<Name extends keyof Types>(option: string, value: unknown, type: Name): void {
  const [isOfType, description, example] = TYPES[type];
  if (type === 'string' && typeof value === 'string' && value.includes('\0')) {
    throw new SoftDeleteConfigError(
      option,
      `${showValue(value)} has a NUL character in it, which PostgreSQL cannot store.`,
      'Take it out.',
    );
  }
  if (value !== undefined && !isOfType(value)) {
    throw new SoftDeleteConfigError(
      option,
      `${showValue(value)} is not ${description}.`,
      `Write ${example}, or leave it out.`,
    );
  }
}

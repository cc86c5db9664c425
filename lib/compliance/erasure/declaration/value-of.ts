import { type EntityProperty, type Platform, RawQueryFragment } from '@mikro-orm/core';
import { showValue } from '../../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { ErasedValue } from './erased.js';
import type { FieldValue } from './personal-data-entity.js';

/** What an address of `erased.email()` is as long as: `erased-`, 16 digits, `@erased.invalid`. */
const EMAIL_LENGTH = 38;
/** Fewer digits would be the same for two rows before long. */
const SHORTEST_DIGEST = 16;
const LONGEST_DIGEST = 64;

/**
 * A replacement, as the database gets it.
 *
 * @throws SoftDeleteConfigError if the column cannot hold it
 * @internal
 */
export function valueOf(where: string, prop: EntityProperty, value: unknown, platform: Platform): FieldValue {
  const type = prop.columnTypes[0] ?? '';
  const length = lengthOf(prop);
  const refuse = (problem: string, advice: string): never => {
    throw new SoftDeleteConfigError(where, problem, advice);
  };
  if (value === undefined) {
    return refuse(
      'nothing says what takes its place.',
      'Write null, a constant, erased.email(), erased.digest() or raw().',
    );
  }
  if (value === null) {
    return prop.nullable
      ? { kind: 'null' }
      : refuse('it is null, and the column is NOT NULL.', "Write a constant such as '[erased]', or erased.digest().");
  }
  if (value instanceof RawQueryFragment) {
    return { kind: 'raw', sql: value.sql, params: value.params };
  }
  if (value instanceof ErasedValue) {
    const isText = /^(text|citext|varchar|char|character|bpchar)\b/i.test(type) && !type.endsWith('[]');
    if (!isText && !(value.kind === 'digest' && /^bytea$/i.test(type))) {
      return refuse(`erased.${value.kind}() is text, and the column is of type ${type}.`, 'Write null or a constant.');
    }
    const shortest = value.kind === 'email' ? EMAIL_LENGTH : SHORTEST_DIGEST;
    if (length !== undefined && length < shortest) {
      return refuse(
        `erased.${value.kind}() takes ${shortest} characters, and the column holds ${length}.`,
        'Make the column longer, or write null or a constant.',
      );
    }
    return value.kind === 'email'
      ? { kind: 'email' }
      : { kind: 'digest', length: Math.min(length ?? LONGEST_DIGEST, LONGEST_DIGEST) };
  }
  const text = textOf(prop, value, platform);
  // The database counts code points.
  const characters = Array.from(text).length;
  if (length !== undefined && characters > length) {
    return refuse(
      `${showValue(value)} has ${characters} characters, and the column holds ${length}.`,
      'Write a shorter one, or make the column longer.',
    );
  }
  if (prop.items && !prop.items.some((item) => String(item) === text)) {
    return refuse(`${showValue(value)} is none of ${prop.items.join(', ')}.`, 'Write one of these.');
  }
  return { kind: 'constant', text };
}

/** How many characters a column holds, where it says so. */
function lengthOf(prop: EntityProperty): number | undefined {
  const written = /^(?:varchar|char|character(?: varying)?|bpchar)\s*\((\d+)\)/i.exec(prop.columnTypes[0] ?? '')?.[1];
  return written === undefined ? undefined : Number(written);
}

function textOf(prop: EntityProperty, value: unknown, platform: Platform): string {
  const sent: unknown = prop.customType ? prop.customType.convertToDatabaseValue(value, platform) : value;
  if (sent instanceof Date) {
    return sent.toISOString();
  }
  if (ArrayBuffer.isView(sent)) {
    return `\\x${Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength).toString('hex')}`;
  }
  return typeof sent === 'object' ? JSON.stringify(sent) : String(sent);
}

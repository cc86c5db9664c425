import type { EntityMetadata } from '@mikro-orm/core';
import { primaryColumnTypes, type RowKey } from './row-set.js';

/** How many bits the values of integer types have. */
const BITS: readonly (readonly [type: RegExp, bits: bigint])[] = [
  [/^(smallint|smallserial|int2|serial2)\b/i, 16n],
  [/^(int|integer|serial|int4|serial4)\b/i, 32n],
  [/^(bigint|bigserial|int8|serial8)\b/i, 64n],
];

const UUID = /^\{?[\da-f]{4}(-?[\da-f]{4}){7}\}?$/i;

/**
 * Whether texts may be those of a key's columns. A text that PostgreSQL cannot read would end the transaction around it; of types other
 * than integers and UUIDs it says so itself.
 *
 * @internal
 */
export function couldBeKey(meta: EntityMetadata, texts: RowKey): boolean {
  const columns = primaryColumnTypes(meta.root);
  return texts.length === columns.length && texts.every((text, i) => couldBe(columns[i]!.type, text));
}

function couldBe(type: string, text: string): boolean {
  if (text.includes('\0')) {
    return false;
  }
  if (/^uuid/i.test(type)) {
    return UUID.test(text);
  }
  const bits = BITS.find(([pattern]) => pattern.test(type))?.[1];
  if (bits === undefined) {
    return true;
  }
  return /^-?\d{1,20}$/.test(text) && BigInt.asIntN(Number(bits), BigInt(text)) === BigInt(text);
}

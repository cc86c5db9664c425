import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { RowKey } from './row-set.js';

/**
 * A primary key as the ORM knows it, from the text of its columns: a value, or an array of values for a composite key, nested
 * where a part is itself a foreign key to a composite key.
 *
 * @internal
 */
export function keyFromText(meta: EntityMetadata, key: RowKey): unknown {
  const texts = [...key];
  return keyOf(meta.root, texts);
}

/** The same as a condition, by property. @internal */
export function conditionFromText(meta: EntityMetadata, key: RowKey): Record<string, unknown> {
  const texts = [...key];
  return conditionOf(meta.root, texts);
}

function keyOf(meta: EntityMetadata, texts: string[]): unknown {
  const values = meta
    .getPrimaryProps()
    .map((prop) => (prop.targetMeta ? keyOf(prop.targetMeta, texts) : parse(prop, texts.shift()!)));
  return values.length === 1 ? values[0] : values;
}

function conditionOf(meta: EntityMetadata, texts: string[]): Record<string, unknown> {
  return Object.fromEntries(
    meta
      .getPrimaryProps()
      .map((prop) => [prop.name, prop.targetMeta ? conditionOf(prop.targetMeta, texts) : parse(prop, texts.shift()!)]),
  );
}

function parse(prop: EntityProperty, text: string): unknown {
  switch (prop.runtimeType) {
    case 'number':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'Date':
      return new Date(text);
    default:
      return text;
  }
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { entityKeyOf } from '../../sql/entity-key.js';
import { primaryColumnTypes } from '../../sql/row-set.js';

/**
 * A key that was kept as the texts of its columns, as the entity has it. Of an entity that is no longer there, or has another key by
 * now, the texts are all that is known.
 *
 * @internal
 */
export function keyFromTexts(em: EntityManager, meta: EntityMetadata | undefined, key: readonly string[]): unknown {
  const columns = meta ? primaryColumnTypes(meta.root) : [];
  if (!meta || columns.length !== key.length) {
    return key.length === 1 ? key[0] : key;
  }
  const values = key.map((text, i) => driverValue(text, columns[i]!.type));
  return entityKeyOf(em.getPlatform(), meta.root, values);
}

/** A value of a key as the driver returns it. */
function driverValue(text: string, type: string): unknown {
  if (/^(smallint|int(eger)?|smallserial|serial|int[24]|real|float|double)\b/i.test(type)) {
    return Number(text);
  }
  if (/^bool/i.test(type)) {
    return text === 'true';
  }
  return /^bytea/i.test(type) && text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : text;
}

import { type EntityMetadata, type EntityProperty, helper, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { tableName } from '../sql/table-name.js';
import type { PlainEqualities } from './plain-equalities.js';

/**
 * Has those who look for the same row of a table wait for each other until their transactions end. Whoever asks by equalities waits for
 * the same values, however they are written; whoever asks by anything else waits for everybody of the table.
 *
 * @internal
 */
export async function takeTurns(
  tx: EntityManager,
  meta: EntityMetadata,
  { values, isAll }: PlainEqualities,
): Promise<void> {
  const table = `soft-delete:${tableName(tx, meta.root)}`;
  if (isAll) {
    await tx.execute(
      'select pg_advisory_xact_lock_shared(hashtextextended(?, 0)), pg_advisory_xact_lock(hashtextextended(?, 0))',
      [table, `${table}:${JSON.stringify(canonical(tx, meta.properties, values))}`],
    );
  } else {
    await tx.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [table]);
  }
}

/** The same text for the same values: sorted by name, and as the database has them. */
function canonical(tx: EntityManager, properties: object, values: object): unknown[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const prop = (properties as Record<string, EntityProperty | undefined>)[name];
      return [name, canonicalValue(tx, prop, value)];
    });
}

function canonicalValue(tx: EntityManager, prop: EntityProperty | undefined, given: unknown): unknown {
  const value = Reference.unwrapReference(given as object) as unknown;
  if (Utils.isEntity<object>(value, true)) {
    return canonicalValue(tx, undefined, helper(value).getPrimaryKey());
  }
  if (value == null || typeof value === 'boolean') {
    return value;
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (prop?.customType && !prop.targetMeta) {
    const converted: unknown = prop.customType.convertToDatabaseValue(value, tx.getPlatform(), { mode: 'query' });
    return canonicalValue(tx, undefined, converted);
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('hex');
  }
  if (Utils.isPlainObject(value)) {
    return canonical(tx, prop?.embeddedProps ?? {}, value as object);
  }
  return String(value);
}

import { type EntityMetadata, type EntityProperty, helper, type Platform, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { tableName } from './table-name.js';
import {
  arrayText,
  identify,
  inChunks,
  keyArraySql,
  keyConditionSql,
  keyRowsSql,
  keySql,
  primaryColumnTypes,
  type RowKey,
  textSql,
} from './row-set.js';
import { execute } from './transaction.js';

// A row is known by its key in three shapes: the text of its columns, which is exact (`RowKey`); the value that the ORM sends to
// the database; and the value that the entity has, which is what users see. This file leads from one to the other.

/** Types of columns whose values have one text only, the one that an entity's value has in JavaScript. */
const CANONICAL: readonly (readonly [type: RegExp, text: RegExp])[] = [
  [/^(small|big)?(int|serial)|^int\d|^integer/i, /^(0|-?[1-9]\d*)$/],
  [/^(text|varchar|character varying)/i, /^/],
  [/^uuid/i, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/],
];

/** Whether a key has the one text that it has in the database, so that PostgreSQL can read it, unless a number is too large. @internal */
export function isCanonicalKey(meta: EntityMetadata, key: RowKey): boolean {
  return primaryColumnTypes(meta.root).every(({ type }, i) =>
    CANONICAL.find(([pattern]) => pattern.test(type))?.[1].test(key[i]!),
  );
}

/** The primary key of an entity as it is sent to the database, one text per column. @internal */
export function sentKey(em: EntityManager, meta: EntityMetadata, entity: object): RowKey {
  return sentKeyOf(em, meta, helper(entity).getPrimaryKey());
}

/** The same of a primary key: a value, or several as an array or by property. @internal */
export function sentKeyOf(em: EntityManager, meta: EntityMetadata, key: unknown): RowKey {
  const props = meta.root.getPrimaryProps();
  return props.flatMap((prop, i) => {
    const part = props.length > 1 || isObjectWith(key, prop.name) ? partOf(key, prop.name, i) : key;
    return prop.targetMeta ? sentKeyOf(em, prop.targetMeta, unwrap(part)) : [sentText(em, prop, part)];
  });
}

/**
 * The keys of entities as their rows have them. Where a value could have another text there (an upper-case UUID, `1.50`, a padded
 * `char(4)`, another case of a `citext`), the database is asked in one statement. A row that is not there has the key that it would be
 * given.
 *
 * @internal
 */
export async function rowKeys<Entity extends object>(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  entities: readonly Entity[],
): Promise<Map<Entity, RowKey>> {
  const known = entities.filter((entity) => helper(entity).hasPrimaryKey());
  const sent = new Map(known.map((entity) => [entity, sentKey(em, meta, entity)]));
  const columns = primaryColumnTypes(meta.root);
  const unclear = [...sent].filter(([, key]) => !isCanonicalKey(meta, key));
  const names = columns.map(({ column }) => em.getPlatform().quoteIdentifier(column));
  await inChunks(unclear, async (chunk) => {
    const table = tableName(em, meta.root);
    const given = columns.map(({ type }, i) => textSql(`"soft-delete:${i}"`, type));
    const same = names.map((name, i) => `c.${name} = "soft-delete:${i}"`);
    const rows = await execute<{ key: string[] }>(
      em,
      ctx,
      `select case when c.${names[0]} is null then array[${given.join(', ')}] else ${keyArraySql(em, meta, 'c')} end as key ` +
        `from ${keyRowsSql(table, names, chunk.length)} left join ${table} as c on ${same.join(' and ')} order by "soft-delete:n"`,
      columns.map((_column, i) => arrayText(chunk.map(([, key]) => key[i]!))),
    );
    rows.forEach(({ key }, i) => sent.set(chunk[i]![0], key));
  });
  return sent;
}

/**
 * The primary keys of rows as their entities have them: a value, or an array of values for a composite key, nested where a part is
 * itself a foreign key to a composite key. Read from the rows, so that the ORM's types get what they get on any read.
 *
 * @internal
 */
export async function entityKeys(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  keys: readonly RowKey[],
): Promise<(key: RowKey) => unknown> {
  const { root } = meta;
  const columns = primaryColumns(root).map((column) => `c.${em.getPlatform().quoteIdentifier(column)}`);
  const found = new Map<string, unknown>();
  const distinct = [...new Map(keys.map((key) => [identify(key), key])).values()];
  await inChunks(distinct, async (chunk) => {
    const condition = keyConditionSql(em, root, 'c', chunk);
    const rows = await execute<Record<string, unknown>>(
      em,
      ctx,
      `select ${keySql(em, root, 'c', 'soft-delete:key')}, ` +
        `${columns.map((column, i) => `${column} as "soft-delete:${i}"`).join(', ')} ` +
        `from ${tableName(em, root)} as c where ${condition.sql}`,
      condition.params,
    );
    for (const row of rows) {
      const values = columns.map((_column, i) => row[`soft-delete:${i}`] as unknown);
      found.set(identify(row['soft-delete:key'] as string[]), entityKeyOf(em.getPlatform(), root, values));
    }
  });
  return (key) => found.get(identify(key));
}

/** A key as a condition that the ORM takes. @internal */
export function keyAsCondition(meta: EntityMetadata, key: unknown): Record<string, unknown> {
  const props = meta.root.getPrimaryProps();
  return Object.fromEntries(props.map(({ name }, i) => [name, props.length > 1 ? (key as unknown[])[i] : key]));
}

/** A key as its entity has it, from the values that the driver returns for its columns; they are taken off the list. @internal */
export function entityKeyOf(platform: Platform, meta: EntityMetadata, values: unknown[]): unknown {
  const parts = meta
    .getPrimaryProps()
    .map((prop) =>
      prop.targetMeta ? entityKeyOf(platform, prop.targetMeta, values) : readValue(platform, prop, values.shift()),
    );
  return parts.length === 1 ? parts[0] : parts;
}

function readValue(platform: Platform, prop: EntityProperty, value: unknown): unknown {
  if (prop.customType) {
    return prop.customType.convertToJSValue(value, platform);
  }
  return prop.runtimeType === 'Date' ? platform.parseDate(value as string) : value;
}

function sentText(em: EntityManager, prop: EntityProperty, value: unknown): string {
  const platform = em.getPlatform();
  const sent: unknown = prop.customType ? prop.customType.convertToDatabaseValue(value, platform) : value;
  if (sent instanceof Date) {
    // In the time zone that the ORM is configured for; its text is public as a quoted literal alone.
    return String(platform.quoteValue(sent)).slice(1, -1);
  }
  return ArrayBuffer.isView(sent)
    ? `\\x${Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength).toString('hex')}`
    : String(sent);
}

function partOf(key: unknown, name: string, index: number): unknown {
  return Array.isArray(key) ? key[index] : (key as Record<string, unknown>)[name];
}

function isObjectWith(key: unknown, name: string): boolean {
  return Utils.isPlainObject(key) && name in key;
}

function unwrap(part: unknown): unknown {
  const target = Reference.unwrapReference(part as object);
  return Utils.isEntity(target) ? helper(target).getPrimaryKey() : target;
}

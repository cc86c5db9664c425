import { helper, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { outerManagers } from '../metadata/outer-managers.js';
import { primaryColumns } from '../metadata/relation-graph.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';
import { managedEntities, markDeleted, type Undo } from './managed-entities.js';
import type { UnitTime } from './take-unit-time.js';
import { execute } from './transaction.js';

const CHUNK = 1_000;

/**
 * Tells memory which of the entities it holds a set-based deletion has reached, the memory of the entity managers that this one
 * works for included. Asks only about those: rows that were never loaded stay where they are.
 *
 * @internal
 */
export async function syncDeleted(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const undo = await syncOne(em, ctx, entry, unit);
  const undoOuter = await syncDeletedOuter(em, ctx, entry, unit);
  return () => [undoOuter, undo].forEach((step) => step());
}

/** The same for the entity managers that this one works for alone. @internal */
export async function syncDeletedOuter(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const undo: Undo[] = [];
  for (const outer of outerManagers(em)) {
    undo.push(await syncOne(outer, ctx, entry, unit));
  }
  return () => undo.toReversed().forEach((step) => step());
}

async function syncOne(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const candidates = managedEntities(em, entry.meta).filter(
    (entity) => (entity as Record<string, unknown>)[entry.property] == null && helper(entity).hasPrimaryKey(),
  );
  const deleted = new Map<object, Record<string, unknown>>();
  for (let i = 0; i < candidates.length; i += CHUNK) {
    const chunk = candidates.slice(i, i + CHUNK);
    for (const [entity, version] of await findInUnit(em, ctx, entry, unit, chunk)) {
      deleted.set(entity, { [entry.property]: unit.date, ...version });
    }
  }
  return markDeleted(em, entry, deleted);
}

async function findInUnit(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
  candidates: readonly object[],
): Promise<[object, Record<string, unknown>][]> {
  const { meta } = entry;
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const keys = primaryColumns(meta);
  const version = meta.ownsVersionProperty() ? meta.properties[meta.versionProperty] : undefined;
  const columns = [...keys, ...(version?.fieldNames ?? [])];
  const bySerializedKey = new Map(candidates.map((entity) => [helper(entity).getSerializedPrimaryKey(), entity]));
  const values = candidates.map((entity) => Utils.flatten(helper(entity).getPrimaryKeys(true) as unknown[][]));
  const rows = await execute<Record<string, unknown>>(
    em,
    ctx,
    `select ${columns.map(quote).join(', ')} from ${tableName(em, meta)} ` +
      `where (${keys.map(quote).join(', ')}) in (${values.map((key) => `(${key.map(() => '?').join(', ')})`).join(', ')}) ` +
      `and ${quote(entry.column)} = cast(? as ${entry.columnType})`,
    [...values.flat(), unit.text],
  );
  return rows.flatMap((row) => {
    const entity = bySerializedKey.get(Utils.getPrimaryKeyHash(keys.map((key) => row[key]) as string[]) as never);
    if (!entity) {
      return [];
    }
    const mapped = version ? em.getComparator().mapResult<any>(meta, row as any) : undefined;
    return [[entity, version ? { [version.name]: mapped![version.name] } : {}]];
  });
}

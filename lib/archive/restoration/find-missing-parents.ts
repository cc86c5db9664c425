import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { filterSql } from '../../sql/filter-sql.js';
import { execute } from '../../sql/transaction.js';
import { archivedConditionsSql } from '../snapshot/archived-condition-sql.js';
import { partOf } from '../snapshot/part-of.js';
import { findArchivedParents } from './find-archived-parents.js';
import { lockOwnersOf, type OwnerLock } from './lock-owners.js';
import type { MissingParent } from './missing-parent.js';
import { type NeededParent, pointsAtSql, readNeededParents } from './needed-parents.js';
import type { RestoredRows } from './restored-rows.js';

/**
 * The rows that archived rows point at, by a foreign key or without one, and that are neither in their table nor restored as well; and the
 * soft-deleted rows that own an archived one.
 *
 * @internal
 */
export async function findMissingParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  restored: RestoredRows,
  lock: OwnerLock,
): Promise<MissingParent[]> {
  const needed = await readNeededParents(em, ctx, catalog, restored);
  const missing = await lockOwnersOf(em, ctx, catalog, restored, needed, lock);
  for (const each of needed) {
    const keys = await findMissing(em, ctx, restored, each);
    const archived = await findArchivedParents(em, ctx, catalog, restored, each, keys);
    const { part, relation, parent } = each;
    for (const key of keys) {
      const found = archived.get(key);
      const where = { parentKey: found?.parent, archivedIn: found?.unit, softDeleted: undefined };
      missing.push({ part, key, relation, parent, ...where });
    }
  }
  return missing;
}

/** The keys of the rows whose parent is neither in its table nor restored as well. */
async function findMissing(
  em: EntityManager,
  ctx: Transaction,
  restored: RestoredRows,
  needed: NeededParent,
): Promise<string[]> {
  const { part, holder, parent, table, columns, conditions } = needed;
  const quote = (column: string) => em.getPlatform().quoteIdentifier(column);
  const rows = restored.rowsSql(part);
  const own = archivedConditionsSql(em, holder, conditions);
  const isRestored = parent && restored.parts().includes(partOf(parent));
  const set = isRestored ? restored.rowsSql(partOf(parent)) : undefined;
  const found = await execute<{ key: string }>(
    em,
    ctx,
    `select a."key" from ${rows.sql} where ${[
      rows.condition,
      ...own.map(({ sql }) => sql),
      ...columns.map((column) => `c.${quote(column)} is not null`),
      `not exists (select from ${table} as p where ${pointsAtSql(em, 'p', needed)})`,
      ...(set ? [`not ${amongSql(em, `(select c.* from ${set.sql} where ${set.condition})`, needed)}`] : []),
    ].join(' and ')} order by a."key"`,
    [...rows.params, ...own.flatMap(({ params }) => params), ...(set?.params ?? [])],
  );
  return found.map(({ key }) => key);
}

/**
 * That rows `c` point at rows of a query, which are looked up in a hash table where one operator compares all of their columns: joined, the
 * query's rows would be gone through for each of them where statistics know of neither.
 */
function amongSql(em: EntityManager, rows: string, needed: NeededParent): string {
  const { columns, referenced, operators } = needed;
  const list = (alias: string, names: readonly string[]) =>
    names.map((name) => `${alias}.${em.getPlatform().quoteIdentifier(name)}`).join(', ');
  return new Set(operators).size === 1
    ? filterSql(`(${list('c', columns)}) ${operators[0]!} any (select ${list('s', referenced)} from ${rows} as s)`)
    : `exists (select from ${rows} as s where ${pointsAtSql(em, 's', needed)})`;
}

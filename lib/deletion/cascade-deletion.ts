import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { describeVetoes } from '../postgres/vetoes.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionRestriction } from '../errors/deletion-restriction.js';
import { activePredicateSql } from '../metadata/active-predicate.js';
import { filterSql } from '../sql/filter-sql.js';
import type { GraphRelation } from '../metadata/relations/relation-graph.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuses, takesAlong } from '../metadata/relations/relation-policies.js';
import { isAwaitedByOthers, lockReferencedParts, updateLockedSql } from '../sql/lock-against-references.js';
import { relationSql } from '../sql/relation-sql.js';
import { inChunks, keyConditionSql, type RowKey } from '../sql/row-set.js';
import { assignUnitSql, putIntoUnit } from '../sql/deleted-at-sql.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { execute } from '../sql/transaction.js';

/** How many rows of each entity a deletion or restoration has changed. @internal */
export type Affected = Map<SoftDeletableEntityMetadata, number>;

/**
 * Extends a unit to everything that its deletion cascades to. The rows of the unit are those that carry its time, which no
 * other operation uses, so each statement joins one table to the next one and no key leaves the database: one statement per
 * relation and level, however many rows there are.
 *
 * @param start - the entities that already have rows in the unit
 * @param only - the rows that it may reach, by key; all unless given
 * @returns the rows added, per entity
 * @internal
 */
export async function cascadeDeletion(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  unit: UnitTime,
  start: Iterable<SoftDeletableEntityMetadata>,
  only?: ReadonlyMap<SoftDeletableEntityMetadata, readonly RowKey[]>,
): Promise<Affected> {
  const affected: Affected = new Map();
  let level = new Set(start);
  while (level.size > 0) {
    const next = new Set<SoftDeletableEntityMetadata>();
    for (const entry of level) {
      for (const edge of catalog.graph.from(entry.meta)) {
        const child = catalog.find(edge.child);
        const keys = child && only?.get(child);
        if (!takesAlong(edge) || !child || (only && !keys)) {
          continue;
        }
        let count = 0;
        if (keys) {
          await inChunks(keys, async (chunk) => {
            count += await deleteBehind(em, ctx, edge, entry, child, unit, chunk);
          });
        } else {
          count = await deleteBehind(em, ctx, edge, entry, child, unit);
        }
        if (count > 0) {
          affected.set(child, (affected.get(child) ?? 0) + count);
          next.add(child);
        }
      }
    }
    level = next;
  }
  return affected;
}

/**
 * Refuses the unit if active rows stand behind one of its `restrict` relations, or the database has changed its time.
 *
 * @throws DeletionRestrictedError naming every reason
 * @internal
 */
export async function refuseIfRestricted(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  unit: UnitTime,
  deleted: Iterable<SoftDeletableEntityMetadata>,
): Promise<void> {
  const entries = [...new Set(deleted)];
  const restrictions = await findRestrictions(em, ctx, catalog, unit, entries);
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(entries[0]!.name, restrictions);
  }
}

/**
 * The `restrict` relations of a unit that active rows stand behind, and what has changed its time. Asked after the cascade, which may have taken some of them
 * along.
 *
 * @internal
 */
export async function findRestrictions(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  unit: UnitTime,
  deleted: Iterable<SoftDeletableEntityMetadata>,
): Promise<DeletionRestriction[]> {
  const restrictions: DeletionRestriction[] = await describeVetoes(em, ctx, [...unit.changed], 'update');
  for (const entry of deleted) {
    for (const edge of catalog.graph.from(entry.meta)) {
      if (refuses(edge)) {
        const count = await countBehind(em, ctx, edge, entry, catalog.find(edge.child), unit);
        if (count > 0) {
          restrictions.push({ relation: edge.name, entity: edge.child.className, count });
        }
      }
    }
  }
  return restrictions;
}

async function deleteBehind(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  parent: SoftDeletableEntityMetadata,
  child: SoftDeletableEntityMetadata,
  unit: UnitTime,
  keys?: readonly RowKey[],
): Promise<number> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const relation = relationSql(em, edge);
  const among = keys && keyConditionSql(em, edge.child, 'c', keys);
  const assigned = assignUnitSql(em, child, unit);
  const inUnit = `p.${quote(parent.column)} = cast(? as ${parent.columnType})`;
  const before = [`${relation.parent} as p`, ...relation.between].join(', ');
  const where = [
    keys ? filterSql(inUnit) : inUnit,
    activePredicateSql(`c.${quote(child.column)}`),
    ...relation.conditions,
    ...(among ? [among.sql] : []),
  ].join(' and ');
  const params = [unit.text, ...relation.params, ...(among?.params ?? [])];
  if (isAwaitedByOthers(em, child)) {
    const from = `${relation.child} as c, ${before}`;
    const count = await putIntoUnit(
      em,
      ctx,
      child,
      unit,
      updateLockedSql(em, child, assigned.assignments, from, where),
      [...params, ...assigned.params],
    );
    await lockReferencedParts(em, ctx, child, unit);
    return count;
  }
  return putIntoUnit(
    em,
    ctx,
    child,
    unit,
    `update ${relation.child} as c set ${assigned.assignments} from ${before} where ${where}`,
    [...assigned.params, ...params],
  );
}

async function countBehind(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  parent: SoftDeletableEntityMetadata,
  child: SoftDeletableEntityMetadata | undefined,
  unit: UnitTime,
): Promise<number> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const relation = relationSql(em, edge);
  const keys = edge.child.root
    .getPrimaryProps()
    .flatMap(({ fieldNames }) => fieldNames.map((name) => `c.${quote(name)}`));
  const [row] = await execute<{ count: number }>(
    em,
    ctx,
    `select count(distinct (${keys.join(', ')}))::int as count ` +
      `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[
        `p.${quote(parent.column)} = cast(? as ${parent.columnType})`,
        ...(child ? [activePredicateSql(`c.${quote(child.column)}`)] : []),
        ...relation.conditions,
      ].join(' and ')}`,
    [unit.text, ...relation.params],
  );
  return row!.count;
}

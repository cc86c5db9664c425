import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { activePredicateSql } from '../../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { STALE } from '../../postgres/kept-facts.js';
import type { UniqueIndex } from '../../postgres/catalog/read-unique-indexes.js';
import { type UniqueFacts, uniqueFacts } from '../../postgres/unique-facts.js';
import { expectRowsSql } from '../../sql/filter-sql.js';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { tableName } from '../../sql/table-name.js';
import { entityKeys } from '../../sql/entity-key.js';
import { keyConditionSql, keySql, type RowKey, type RowSet } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';

/** A pair of a row to be restored and one that would hold the same unique value beside it. @internal */
export interface TakenRow {
  /** Which of the indexes it is about. */
  readonly position: number;
  readonly key: string[];
  readonly conflicting: string[];
  /** Whether the other one is to be restored as well. */
  readonly restored: boolean;
}

/** An index that restored rows may violate. */
interface Unique {
  readonly entry: SoftDeletableEntityMetadata;
  readonly index: UniqueIndex;
}

/** How values that are taken are found, and said. @internal */
export interface UniqueCheck {
  /** Selects `TakenRow`s; nothing where no index can be in the way. */
  readonly taken: SqlFragment | undefined;
  /** The condition that the indexes are still those that are known. */
  readonly isFresh: SqlFragment;
  describe(taken: readonly TakenRow[]): Promise<RestoreConflict[]>;
}

/**
 * The unique values that rows about to be restored would share with active rows, or with each other. Read from the
 * database's own catalog, so that what the ORM does not know, indexes on expressions or exclusion constraints for instance,
 * counts as well.
 *
 * @internal
 */
export function findUniqueConflicts(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
): Promise<RestoreConflict[]> {
  return uniqueFacts.use(em, ctx, async (facts) => {
    const { taken, isFresh, describe } = checkUniques(em, ctx, catalog, facts, rows);
    const found = await execute<Partial<TakenRow>>(
      em,
      ctx,
      `select -1 as position, null::text[] as key, null::text[] as conflicting, null::boolean as restored where ${isFresh.sql}` +
        (taken ? ` union all (${taken.sql})` : ''),
      [...isFresh.params, ...(taken?.params ?? [])],
    );
    return found.some(({ position }) => position === -1)
      ? describe(found.filter(({ position }) => position !== -1) as TakenRow[])
      : STALE;
  });
}

/** The same as SQL, for a statement that does more. @internal */
export function checkUniques(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  facts: UniqueFacts,
  rows: RowSet,
): UniqueCheck {
  const entries = rows.entities().map((root) => catalog.get(root));
  const uniques = entries.flatMap((entry) => facts.of(entry).map((index): Unique => ({ entry, index })));
  const taken = uniques.map((unique, i) => takenSql(em, unique, i, rows.keys(unique.entry.meta)));
  return {
    taken:
      taken.length > 0
        ? { sql: taken.map(({ sql }) => `(${sql})`).join(' union all '), params: taken.flatMap(({ params }) => params) }
        : undefined,
    isFresh: facts.isFresh(em, entries),
    describe: async (found) => {
      const conflicts: RestoreConflict[] = [];
      for (const [position, pairs] of Map.groupBy(found, (row) => row.position)) {
        const conflict = await describeTaken(em, ctx, uniques[position]!, pairs);
        conflict.forEach((each) => conflicts.push(each));
      }
      return conflicts;
    },
  };
}

async function describeTaken(
  em: EntityManager,
  ctx: Transaction,
  { entry, index }: Unique,
  pairs: readonly TakenRow[],
): Promise<RestoreConflict[]> {
  const properties = propertiesOf(entry.meta, index.columns);
  const entityKey = await entityKeys(
    em,
    ctx,
    entry.meta,
    pairs.flatMap(({ key, conflicting }) => [key, conflicting]),
  );
  return pairs.map(({ key, conflicting, restored }) => ({
    reason: 'unique',
    entity: entry.name,
    key: entityKey(key),
    constraint: index.name,
    ...(properties ? { properties } : {}),
    conflictingKey: entityKey(conflicting),
    conflictingWith: restored ? 'restored' : 'active',
  }));
}

/** The names of this statement's own, which no column has: an index's expressions name columns without a table. */
const KEY = 'soft-delete:key';
const ROW = '"soft-delete:row"';

/**
 * Pairs of a row to be restored and a row that would hold the same value beside it, an active one or another of them. The rows are
 * looked at as they would be after the restoration, so that the index's own predicate decides which of them it covers.
 */
function takenSql(
  em: EntityManager,
  { entry: { meta, column, deletedBy }, index: { keys, operators, predicate } }: Unique,
  position: number,
  rows: readonly RowKey[],
): SqlFragment {
  const active = { [column]: null, ...(deletedBy ? { [deletedBy.column]: null } : {}) };
  const table = tableName(em, meta);
  const values = keys.map((key, i) => `${key} as "soft-delete:value${i}"`).join(', ');
  const same = operators
    .map((operator, i) => `r."soft-delete:value${i}" ${operator} a."soft-delete:value${i}"`)
    .join(' and ');
  const condition = keyConditionSql(em, meta, ROW, rows);
  const own = `"${KEY}"`;
  return {
    sql:
      `with "soft-delete:restored" as materialized (select ${own}, ${values} from (` +
      `select ${keySql(em, meta, ROW, KEY)}, (jsonb_populate_record(${ROW}.*, cast(? as jsonb))).* ` +
      `from ${table} as ${ROW} where ${condition.sql}) as x where ${predicate}${expectRowsSql(rows.length, keys.length + 1)}) ` +
      `select ${position} as position, r.${own} as key, a.${own} as conflicting, false as restored ` +
      `from "soft-delete:restored" as r join (` +
      `select ${keySql(em, meta, ROW, KEY)}, ${values} from ${table} as ${ROW} ` +
      `where ${activePredicateSql(em.getPlatform().quoteIdentifier(column))} and ${predicate}` +
      `) as a on ${same} where r.${own} <> a.${own} ` +
      `union all select ${position}, r.${own}, a.${own}, true ` +
      `from "soft-delete:restored" as r join "soft-delete:restored" as a on ${same} where r.${own} < a.${own}`,
    params: [JSON.stringify(active), ...condition.params],
  };
}

/** The properties of plain columns; nothing if one of the values is an expression. */
function propertiesOf(meta: EntityMetadata, columns: readonly (string | null)[]): string[] | undefined {
  return columns.includes(null) ? undefined : columns.map((column) => propertyOf(meta, column!));
}

/** The property of a column, in a hierarchy that of any class; the relation's where the column is one of several. */
function propertyOf(meta: EntityMetadata, column: string): string {
  const props = meta.props.filter(({ fieldNames }) => fieldNames?.includes(column));
  return (props.find(({ fieldNames }) => fieldNames.length === 1) ?? props[0])?.name ?? column;
}

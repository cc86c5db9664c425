import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../errors/restore-conflict.error.js';
import { activePredicateSql } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { readUniqueIndexes, type UniqueIndex } from '../postgres/read-unique-indexes.js';
import { tableName } from '../sql/table-name.js';
import { entityKeys } from '../sql/entity-key.js';
import { keyConditionSql, keySql, type RowKey, type RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/**
 * The unique values that rows about to be restored would share with active rows, or with each other. Read from the
 * database's own catalog, so that what the ORM does not know, indexes on expressions or exclusion constraints for instance,
 * counts as well. An index that does not depend on the time of deletion cannot be in the way: it holds for deleted rows too.
 *
 * @internal
 */
export async function findUniqueConflicts(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
): Promise<RestoreConflict[]> {
  const conflicts: RestoreConflict[] = [];
  for (const root of rows.entities()) {
    const entry = catalog.get(root);
    for (const unique of await readUniqueIndexes(em, ctx, tableName(em, root), entry.column)) {
      const taken = await findTaken(em, ctx, entry, unique, rows.keys(root));
      if (taken.length === 0) {
        continue;
      }
      const properties = propertiesOf(root, unique.columns);
      const entityKey = await entityKeys(
        em,
        ctx,
        root,
        taken.flatMap(({ key, conflicting }) => [key, conflicting]),
      );
      for (const { key, conflicting, restored } of taken) {
        conflicts.push({
          reason: 'unique',
          entity: entry.name,
          key: entityKey(key),
          constraint: unique.name,
          ...(properties ? { properties } : {}),
          conflictingKey: entityKey(conflicting),
          conflictingWith: restored ? 'restored' : 'active',
        });
      }
    }
  }
  return conflicts;
}

/** The names of this statement's own, which no column has: an index's expressions name columns without a table. */
const KEY = 'soft-delete:key';
const ROW = '"soft-delete:row"';

/**
 * Pairs of a row to be restored and a row that would hold the same value beside it, an active one or another of them. The rows are
 * looked at as they would be after the restoration, so that the index's own predicate decides which of them it covers.
 */
async function findTaken(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  { keys, operators, predicate }: UniqueIndex,
  rows: readonly RowKey[],
): Promise<{ key: RowKey; conflicting: RowKey; restored: boolean }[]> {
  const { meta, column, deletedBy } = entry;
  const active = { [column]: null, ...(deletedBy ? { [deletedBy.column]: null } : {}) };
  const table = tableName(em, meta);
  const values = keys.map((key, i) => `${key} as "soft-delete:value${i}"`).join(', ');
  const same = operators
    .map((operator, i) => `r."soft-delete:value${i}" ${operator} a."soft-delete:value${i}"`)
    .join(' and ');
  const condition = keyConditionSql(em, meta, ROW, rows);
  const own = `"${KEY}"`;
  return execute<{ key: string[]; conflicting: string[]; restored: boolean }>(
    em,
    ctx,
    `with "soft-delete:restored" as materialized (select ${own}, ${values} from (` +
      `select ${keySql(em, meta, ROW, KEY)}, (jsonb_populate_record(${ROW}.*, cast(? as jsonb))).* ` +
      `from ${table} as ${ROW} where ${condition.sql}) as x where ${predicate}) ` +
      `select r.${own} as key, a.${own} as conflicting, false as restored from "soft-delete:restored" as r join (` +
      `select ${keySql(em, meta, ROW, KEY)}, ${values} from ${table} as ${ROW} ` +
      `where ${activePredicateSql(em.getPlatform().quoteIdentifier(column))} and ${predicate}` +
      `) as a on ${same} where r.${own} <> a.${own} ` +
      `union all select r.${own}, a.${own}, true ` +
      `from "soft-delete:restored" as r join "soft-delete:restored" as a on ${same} where r.${own} < a.${own}`,
    [JSON.stringify(active), ...condition.params],
  );
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

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../errors/restore-conflict.error.js';
import { activePredicateSql } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';
import { keyFromText } from './key-from-text.js';
import { keyConditionSql, keySql, type RowKey, type RowSet } from './row-set.js';
import { execute } from './transaction.js';

interface UniqueIndex {
  readonly name: string;
  /** The indexed expressions as SQL over the table's columns. */
  readonly keys: readonly string[];
  /** Per expression, the operator by which two rows exclude each other. */
  readonly operators: readonly string[];
  readonly predicate: string;
}

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
    for (const unique of await uniqueIndexes(em, ctx, entry)) {
      for (const { key, conflicting } of await findTaken(em, ctx, entry, unique, rows.keys(root))) {
        conflicts.push({
          reason: 'unique',
          entity: entry.name,
          key: keyFromText(root, key),
          constraint: unique.name,
          properties: unique.keys.map((column) => propertyOf(root, column)),
          conflictingKey: keyFromText(root, conflicting),
        });
      }
    }
  }
  return conflicts;
}

function uniqueIndexes(
  em: EntityManager,
  ctx: Transaction,
  { meta, column }: SoftDeletableEntityMetadata,
): Promise<UniqueIndex[]> {
  return execute<UniqueIndex>(
    em,
    ctx,
    `select c.relname as name, coalesce(pg_get_expr(i.indpred, i.indrelid), 'true') as predicate,
       array(select pg_get_indexdef(i.indexrelid, k, true) from generate_series(1, i.indnkeyatts) as k order by k) as keys,
       array(select coalesce(
               (select format('operator(%I.%s)', n.nspname, o.oprname)
                from pg_constraint as x
                join pg_operator as o on o.oid = x.conexclop[k] join pg_namespace as n on n.oid = o.oprnamespace
                where x.conindid = i.indexrelid and x.contype = 'x'),
               case when i.indnullsnotdistinct then 'is not distinct from' else '=' end)
             from generate_series(1, i.indnkeyatts) as k order by k) as operators
     from pg_index as i
     join pg_class as c on c.oid = i.indexrelid
     join pg_attribute as a on a.attrelid = i.indrelid and a.attname = ?
     where i.indrelid = cast(? as regclass) and (i.indisunique or i.indisexclusion) and i.indisready
       and (a.attnum = any(i.indkey) or exists (
         select from pg_depend as d
         where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
           and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))
     order by c.relname`,
    [column, tableName(em, meta)],
  );
}

/**
 * Pairs of a row to be restored and a row that would hold the same value beside it, an active one or another of them. The rows are
 * looked at as they would be after the restoration, so that the index's own predicate decides which of them it covers.
 */
async function findTaken(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  { keys, operators, predicate }: UniqueIndex,
  restored: readonly RowKey[],
): Promise<{ key: RowKey; conflicting: RowKey }[]> {
  const { meta, column } = entry;
  const table = tableName(em, meta);
  const values = keys.map((key, i) => `${key} as "k${i}"`).join(', ');
  const same = operators.map((operator, i) => `r."k${i}" ${operator} a."k${i}"`).join(' and ');
  const condition = keyConditionSql(em, meta, 't', restored);
  return execute<{ key: string[]; conflicting: string[] }>(
    em,
    ctx,
    `with r as materialized (select "key", ${values} from (select ${keySql(em, meta, 't')}, ` +
      `(jsonb_populate_record(t, cast(? as jsonb))).* from ${table} as t where ${condition.sql}) as x where ${predicate}) ` +
      `select r."key", a."key" as conflicting from r join (` +
      `select ${keySql(em, meta, 't')}, ${values} from ${table} as t ` +
      `where ${activePredicateSql(em.getPlatform().quoteIdentifier(column))} and ${predicate}` +
      `) as a on ${same} where r."key" <> a."key" ` +
      `union all select r."key", a."key" from r join r as a on ${same} where r."key" < a."key"`,
    [JSON.stringify({ [column]: null }), ...condition.params],
  );
}

function propertyOf(meta: EntityMetadata, column: string): string {
  const name = column.replaceAll('"', '');
  return meta.props.find(({ fieldNames }) => fieldNames?.length === 1 && fieldNames[0] === name)?.name ?? column;
}

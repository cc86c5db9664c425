import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../errors/restore-conflict.error.js';
import { activePredicateSql } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';
import { keyFromText } from './key-from-text.js';
import { inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from './row-set.js';
import { execute } from './transaction.js';

interface PartialUnique {
  readonly name: string;
  /** The indexed expressions as SQL over the table's columns. */
  readonly keys: readonly string[];
  readonly predicate: string;
  readonly nullsNotDistinct: boolean;
}

/**
 * The unique values that rows about to be restored would share with active rows, or with each other. Read from the
 * database's own catalog, so that indexes the ORM does not know, on expressions for instance, count as well. An index that is
 * not partial cannot be in the way: it holds for deleted rows too.
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
    for (const unique of await partialUniques(em, ctx, root)) {
      await inChunks(rows.keys(root), async (chunk) => {
        for (const { key, conflicting } of await findTaken(em, ctx, entry, unique, chunk, rows.keys(root))) {
          conflicts.push({
            reason: 'unique',
            entity: entry.name,
            key: keyFromText(root, key),
            constraint: unique.name,
            properties: unique.keys.map((column) => propertyOf(root, column)),
            conflictingKey: keyFromText(root, conflicting),
          });
        }
      });
    }
  }
  return conflicts;
}

function partialUniques(em: EntityManager, ctx: Transaction, meta: EntityMetadata): Promise<PartialUnique[]> {
  return execute<PartialUnique>(
    em,
    ctx,
    `select c.relname as name, pg_get_expr(i.indpred, i.indrelid) as predicate, i.indnullsnotdistinct as "nullsNotDistinct",
       array(select pg_get_indexdef(i.indexrelid, k, true) from generate_series(1, i.indnkeyatts) as k order by k) as keys
     from pg_index as i join pg_class as c on c.oid = i.indexrelid
     where i.indrelid = cast(? as regclass) and i.indisunique and i.indpred is not null and i.indisready
     order by c.relname`,
    [tableName(em, meta)],
  );
}

/**
 * Pairs of a row of the chunk and a row that would hold the same value beside it. The rows are looked at as they would be
 * after the restoration, so that the index's own predicate decides which of them it covers.
 */
async function findTaken(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  { keys, predicate, nullsNotDistinct }: PartialUnique,
  chunk: readonly RowKey[],
  all: readonly RowKey[],
): Promise<{ key: RowKey; conflicting: RowKey }[]> {
  const { meta, column } = entry;
  const table = tableName(em, meta);
  const values = keys.map((key, i) => `${key} as "k${i}"`).join(', ');
  const equals = nullsNotDistinct ? 'is not distinct from' : '=';
  const same = keys.map((_, i) => `r."k${i}" ${equals} a."k${i}"`).join(' and ');
  const asRestored = (condition: string) =>
    `select "key", ${values} from (select ${keySql(em, meta, 't')}, ` +
    `(jsonb_populate_record(t, cast(? as jsonb))).* from ${table} as t where ${condition}) as x where ${predicate}`;
  const restored = keyConditionSql(em, meta, 't', chunk);
  const others = keyConditionSql(em, meta, 't', all);
  const active = JSON.stringify({ [column]: null });
  return execute<{ key: string[]; conflicting: string[] }>(
    em,
    ctx,
    `with r as (${asRestored(restored.sql)}) ` +
      `select r."key", a."key" as conflicting from r join (` +
      `select ${keySql(em, meta, 't')}, ${values} from ${table} as t ` +
      `where ${activePredicateSql(em.getPlatform().quoteIdentifier(column))} and ${predicate}` +
      `) as a on ${same} where r."key" <> a."key" ` +
      `union all select r."key", a."key" from r join (${asRestored(others.sql)}) as a on ${same} where r."key" < a."key"`,
    [active, ...restored.params, active, ...others.params],
  );
}

function propertyOf(meta: EntityMetadata, column: string): string {
  const name = column.replaceAll('"', '');
  return meta.props.find(({ fieldNames }) => fieldNames?.length === 1 && fieldNames[0] === name)?.name ?? column;
}

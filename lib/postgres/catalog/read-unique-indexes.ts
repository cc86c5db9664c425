import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';

/** A unique index or an exclusion constraint. @internal */
export interface UniqueIndex {
  readonly name: string;
  readonly isPrimary: boolean;
  /** The indexed expressions as SQL over the table's columns. */
  readonly keys: readonly string[];
  /** The column of each expression that is nothing but a column. */
  readonly columns: readonly (string | null)[];
  /** Per expression, the operator by which two rows exclude each other. */
  readonly operators: readonly string[];
  readonly predicate: string;
}

/** To the ORM a question mark is a place for a value, in operators too. */
const escaped = (sql: string) => `replace(${sql}, chr(63), chr(92) || chr(63))`;

/** What is selected of an index `i` that is the relation `c`, for a `UniqueIndex`. @internal */
export const UNIQUE_INDEX_SQL = `c.relname as name, i.indisprimary as "isPrimary",
  coalesce(${escaped('pg_get_expr(i.indpred, i.indrelid)')}, 'true') as predicate,
  array(select ${escaped('pg_get_indexdef(i.indexrelid, k, true)')} from generate_series(1, i.indnkeyatts) as k order by k) as keys,
  array(select (select b.attname::text from pg_attribute as b
                where b.attrelid = i.indrelid and b.attnum = i.indkey[k - 1] and b.attnum > 0)
        from generate_series(1, i.indnkeyatts) as k order by k) as columns,
  array(select coalesce(
          (select format('operator(%I.%s)', n.nspname, o.oprname)
           from pg_constraint as x
           join pg_operator as o on o.oid = x.conexclop[k] join pg_namespace as n on n.oid = o.oprnamespace
           where x.conindid = i.indexrelid and x.contype = 'x'),
          case when (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean then 'is not distinct from' else '=' end)
        from generate_series(1, i.indnkeyatts) as k order by k) as operators`;

/** Whether an index `i` keeps rows apart. @internal */
export const KEEPS_APART_SQL = '(i.indisunique or i.indisexclusion) and i.indisready';

/**
 * The unique indexes of a table, as PostgreSQL has them.
 *
 * @internal
 */
export function readUniqueIndexes(em: EntityManager, ctx: Transaction, table: string): Promise<UniqueIndex[]> {
  return execute<UniqueIndex>(
    em,
    ctx,
    `select ${UNIQUE_INDEX_SQL} from pg_index as i join pg_class as c on c.oid = i.indexrelid
     where i.indrelid = cast(? as regclass) and ${KEEPS_APART_SQL} order by c.relname`,
    [table],
  );
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { arrayText } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';

/** A column as the database has it. @internal */
export interface TableColumn {
  readonly name: string;
  /** A short name, since every archived row has it; with its schema where it is none of PostgreSQL's own, so that it means the same in every session. */
  readonly type: string;
  readonly isGenerated: boolean;
  /** Whether its type is none of PostgreSQL's own, an enum or an array of such: nobody knows how it prints and reads its values. */
  readonly isForeign: boolean;
  /** Whether equal values have one text, so that they can be looked up by it. */
  readonly hasOneText: boolean;
  /** Whether tables inherit it, whose rows may have columns of their own: nothing would keep these. Partitions are none of them. */
  readonly isInherited: boolean;
  /** Whether it is one of a view or of a foreign table: the keys that lead to its rows are those of another table. */
  readonly isElsewhere: boolean;
  readonly isNotNull: boolean;
  /** Whether an insert has to name it. */
  readonly isRequired: boolean;
}

/**
 * The columns of tables, read in the transaction that holds locks on their rows, so that no migration changes them before it ends.
 *
 * @internal
 */
export async function readShapes(
  em: EntityManager,
  ctx: Transaction,
  metas: readonly EntityMetadata[],
): Promise<Map<EntityMetadata, TableColumn[]>> {
  const shapes = new Map(metas.map((meta): [EntityMetadata, TableColumn[]] => [meta, []]));
  const rows = await execute<TableColumn & { i: number }>(
    em,
    ctx,
    `select t.i::int as i, a.attname::text as name, a.attgenerated <> '' as "isGenerated",
       a.attgenerated = '' and coalesce(e.typnamespace, y.typnamespace) <> 'pg_catalog'::regnamespace and coalesce(e.typtype, y.typtype) <> 'e' as "isForeign",
       coalesce(e.typnamespace, y.typnamespace) = 'pg_catalog'::regnamespace and coalesce(e.typtype, y.typtype) <> 'd'
         and coalesce(e.typname, y.typname) <> all('{float4,float8,interval,jsonb}') and (coalesce(e.typname, y.typname) <> 'numeric' or a.atttypmod >= 0)
         and coalesce((select x.collisdeterministic from pg_collation as x where x.oid = a.attcollation), true) as "hasOneText",
       exists (select from pg_inherits as h join pg_class as r on r.oid = h.inhparent where h.inhparent = a.attrelid and r.relkind = 'r') as "isInherited",
       (select r.relkind = any('{v,f}') from pg_class as r where r.oid = a.attrelid) as "isElsewhere",
       a.attnotnull or y.typnotnull as "isNotNull", (a.attnotnull or y.typnotnull) and not (a.atthasdef or a.attidentity <> '' or y.typdefault is not null) as "isRequired",
       case when y.typnamespace <> 'pg_catalog'::regnamespace
           then format('%I.%I', n.nspname, y.typname) || coalesce(substring(format_type(a.atttypid, a.atttypmod) from '[(][^()]*[)]$'), '')
         when y.typname = any('{char,bit,interval,_interval}') then format_type(a.atttypid, a.atttypmod)
         else y.typname || coalesce(substring(format_type(a.atttypid, a.atttypmod) from '[(][^()]*[)]'), '')
       end as type
     from unnest(cast(? as text[])) with ordinality as t(name, i)
     join pg_attribute as a on a.attrelid = to_regclass(t.name) and a.attnum > 0 and not a.attisdropped
     join pg_type as y on y.oid = a.atttypid join pg_namespace as n on n.oid = y.typnamespace
     left join pg_type as e on e.oid = y.typelem and y.typcategory = 'A'
     order by t.i, a.attnum`,
    [arrayText(metas.map((meta) => tableName(em, meta)))],
  );
  for (const { i, ...column } of rows) {
    shapes.get(metas[i - 1]!)!.push(column);
  }
  return shapes;
}

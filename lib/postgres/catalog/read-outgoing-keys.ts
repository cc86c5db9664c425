import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { keyColumnsSql } from '../key-columns-sql.js';

/** A foreign key that a table holds. @internal */
export interface OutgoingKey {
  readonly name: string;
  /** The quoted name of the table that it points at. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** By which the database compares a referenced column with the column that points there. */
  readonly operators: readonly string[];
  /** The entity of that table, by its place from 1 in the list, if it is there. */
  readonly of: number | null;
}

/** Every foreign key of an entity's table, with where it points among some entities. @internal */
export function readOutgoingKeys(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  metas: readonly EntityMetadata[],
): Promise<OutgoingKey[]> {
  return execute<OutgoingKey & Record<string, unknown>>(
    em,
    ctx,
    `select k.conname as name, k.confrelid::regclass::text as table, m.i::int as of,
       ${keyColumnsSql('k.conrelid', 'k.conkey')} as columns, ${keyColumnsSql('k.confrelid', 'k.confkey')} as referenced,
       array(select format('operator(%I.%s)', n.nspname, o.oprname) from unnest(k.conpfeqop) with ordinality as u(id, i)
         join pg_operator as o on o.oid = u.id join pg_namespace as n on n.oid = o.oprnamespace order by u.i) as operators
     from (select cast(? as regclass) as id) as t cross join pg_constraint as k
     left join unnest(cast(? as text[])) with ordinality as m(name, i) on to_regclass(m.name) = k.confrelid
     where k.contype = 'f' and k.conparentid = 0 and k.conrelid in (select t.id union select p.relid from pg_partition_ancestors(t.id) as p(relid)) order by k.conname`,
    [tableName(em, meta), arrayText(metas.map((of) => tableName(em, of)))],
  );
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { isInheritance, relationOver } from '../../metadata/relations/key-relations.js';
import { mappedTables } from '../../metadata/mapped-tables.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { keyColumnsSql } from '../key-columns-sql.js';
import { writtenSql } from '../removed-rows.js';

/** A foreign key of the database that points at a table whose rows are archived. @internal */
export interface IncomingKey {
  /** The relation, as `Entity.property`, or the constraint where the ORM maps none. */
  readonly name: string;
  /** The table that it points at. */
  readonly target: EntityMetadata;
  /** The quoted name of the table that holds it. */
  readonly table: string;
  /** The entity of that table, if the ORM maps it. */
  readonly entity: EntityMetadata | undefined;
  readonly clears: boolean;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** The primary key of the table that holds it. */
  readonly primary: readonly string[];
  /** How many rows of that table the transaction has written; only where a policy may hide rows from it, which the key reaches all the same. */
  readonly written: number | null;
}

interface KeyRow extends Omit<IncomingKey, 'target' | 'entity'> {
  readonly i: number;
  readonly of: number | null;
}

/**
 * Every foreign key that points at one of the tables, or at one that it is a partition of, mapped by the ORM or not.
 *
 * @param isEntity - whether rows of a pivot table are more than a link between others
 * @internal
 */
export async function readIncomingKeys(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  targets: readonly EntityMetadata[],
  isEntity: (pivot: EntityMetadata) => boolean = () => false,
): Promise<IncomingKey[]> {
  const metas = mappedTables(em.getMetadata());
  const names = (of: readonly EntityMetadata[]) => arrayText(of.map((meta) => tableName(em, meta)));
  const rows = await execute<KeyRow>(
    em,
    ctx,
    `select t.i::int as i, m.i::int as of, k.conname as name, k.confdeltype = 'n' as clears,
       (select format('%I.%I', n.nspname, r.relname) from pg_class as r join pg_namespace as n on n.oid = r.relnamespace
        where r.oid = k.conrelid) as table,
       ${keyColumnsSql('k.conrelid', 'k.conkey')} as columns,
       case when k.confdeltype = any('{c,n,d}') and row_security_active(k.conrelid) then ${writtenSql('k.conrelid', ['updated', 'deleted'])} end as written,
       ${keyColumnsSql('k.confrelid', 'k.confkey')} as referenced,
       ${keyColumnsSql('k.conrelid', '(select x.indkey::int2[] from pg_index as x where x.indrelid = k.conrelid and x.indisprimary)')} as primary
     from unnest(cast(? as text[])) with ordinality as t(name, i)
     join pg_constraint as k on k.contype = 'f' and k.conparentid = 0
       and k.confrelid in (select to_regclass(t.name) union select p.relid from pg_partition_ancestors(to_regclass(t.name)) as p(relid))
     left join unnest(cast(? as text[])) with ordinality as m(name, i) on to_regclass(m.name) = k.conrelid
     order by t.i, k.conname`,
    [names(targets), names(metas)],
  );
  return rows.flatMap(({ i, of, ...row }) => {
    const target = targets[i - 1]!;
    const entity = of === null ? undefined : metas[of - 1]!;
    const key: IncomingKey = { ...row, target, entity };
    return isPart(key, isEntity)
      ? []
      : [{ ...key, name: relationOver(catalog.graph, entity, key.columns, target)?.name ?? key.name }];
  });
}

/** Rows of pivot tables, and of the tables of one row of a table-per-type hierarchy, go with the row that they point at. */
function isPart({ entity, target, columns }: IncomingKey, isEntity: (pivot: EntityMetadata) => boolean): boolean {
  const isLink = entity?.pivotTable === true && !isEntity(entity);
  return isLink || (entity !== undefined && isInheritance(entity, columns, target));
}

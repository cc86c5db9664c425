import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { mappedTables } from '../metadata/mapped-tables.js';
import { arrayText } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { keyColumnsSql } from './key-columns-sql.js';

/** A foreign key of the database that points at a table. @internal */
export interface ForeignKey {
  readonly name: string;
  /** The quoted name of the table that holds the key. */
  readonly table: string;
  /** The entity of that table, if the ORM maps it; in a hierarchy, the class whose own table it is. */
  readonly entity: EntityMetadata | undefined;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** What the database does to the referencing rows. */
  readonly action: string;
}

/**
 * Every foreign key that points at an entity's table, mapped by the ORM or not.
 *
 * @internal
 */
export async function findForeignKeys(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
): Promise<ForeignKey[]> {
  const rows = await execute<Omit<ForeignKey, 'entity'> & { oid: string }>(
    em,
    ctx,
    `select k.conname as name, k.conrelid::regclass::text as table, k.conrelid::int8::text as oid,
       case k.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' else 'no action' end as action,
       ${keyColumnsSql('k.conrelid', 'k.conkey')} as columns, ${keyColumnsSql('k.confrelid', 'k.confkey')} as referenced
     from pg_constraint as k
     where k.contype = 'f' and k.confrelid = cast(? as regclass) and k.conparentid = 0
     order by k.conname`,
    [tableName(em, meta)],
  );
  const byOid = rows.length > 0 ? await tableOids(em, ctx) : new Map<string, EntityMetadata>();
  return rows.map(({ oid, ...row }) => ({ ...row, entity: byOid.get(oid) }));
}

async function tableOids(em: EntityManager, ctx: Transaction): Promise<Map<string, EntityMetadata>> {
  const metas = mappedTables(em.getMetadata());
  const rows = await execute<{ i: number; oid: string }>(
    em,
    ctx,
    `select t.i::int as i, to_regclass(t.name)::oid::int8::text as oid
     from unnest(cast(? as text[])) with ordinality as t(name, i) where to_regclass(t.name) is not null`,
    [arrayText(metas.map((meta) => tableName(em, meta)))],
  );
  return new Map(rows.map(({ i, oid }) => [oid, metas[i - 1]!]));
}

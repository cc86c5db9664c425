import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { execute } from '../sql/transaction.js';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { getInstallation } from '../installation/installation.js';
import { tableName } from '../sql/table-name.js';
import { type CascadingKey, readCascadeCatalog } from '../postgres/cascade-catalog.js';

/** Rows that are about to be removed physically, as a condition on the rows `p` of the root's table. @internal */
export interface PhysicalRemoval {
  readonly meta: EntityMetadata;
  readonly condition: SqlFragment;
}

/** The keys by which removals may take soft-deletable rows along. Asks the database once for each ORM. @internal */
export async function cascadesOf(
  em: EntityManager,
  ctx: Transaction | undefined,
  meta: EntityMetadata,
): Promise<readonly CascadingKey[]> {
  return (await readCascadeCatalog(em, ctx, getInstallation(em).catalog)).from(meta);
}

/**
 * Refuses removals along with which the database would remove soft-deletable rows, active or deleted: keys with `on delete cascade`
 * lead there, directly or through rows that go as well. One statement per entity that has such keys behind it, in plain SQL,
 * so that no filter hides a row.
 *
 * @throws DeletionRestrictedError naming every such key
 * @internal
 */
export async function refusePhysicalCascade(
  em: EntityManager,
  ctx: Transaction | undefined,
  removals: readonly PhysicalRemoval[],
): Promise<void> {
  const restrictions: DeletionRestriction[] = [];
  for (const { meta, condition } of removals) {
    const keys = await cascadesOf(em, ctx, meta);
    if (keys.length > 0) {
      restrictions.push(...(await countEndangered(em, ctx, meta, condition, keys)));
    }
  }
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(
      removals[0]!.meta.className,
      restrictions,
      'The foreign key would remove them physically. Make the entity soft-deletable, remove the rows with hardDelete() first, or change the key’s deleteRule.',
    );
  }
}

/** A name that no table has: it would hide the table. */
const GOING = '"soft-delete:going"';

/** Follows the keys from row to row, in circles as well. */
async function countEndangered(
  em: EntityManager,
  ctx: Transaction | undefined,
  meta: EntityMetadata,
  condition: SqlFragment,
  keys: readonly CascadingKey[],
): Promise<DeletionRestriction[]> {
  const steps = keys.map((key, via) => {
    const same = key.columns.map((column, i) => `c.${column} = p.${key.referenced[i]!}`);
    // The table that rows are of tells which keys go on from them.
    return (
      `select ${via}::int as via, c.tableoid as part, c.ctid as place from ${key.to} as p, ${key.from} as c ` +
      `where p.tableoid = g.part and p.ctid = g.place and ${same.join(' and ')}`
    );
  });
  const endangering = keys.flatMap(({ endangers }, via) => (endangers ? [via] : []));
  const rows = await execute<{ via: number; count: number }>(
    em,
    ctx as Transaction,
    `with recursive ${GOING}(via, part, place) as (
       select -1, p.tableoid, p.ctid from ${tableName(em, meta.root)} as p where ${condition.sql}
       union
       select x.via, x.part, x.place from ${GOING} as g cross join lateral (${steps.join(' union all ')}) as x
       where not g.via = any(cast(? as int[]))
     ) select via, count(*)::int as count from ${GOING} where via = any(cast(? as int[])) group by via order by via`,
    [...condition.params, `{${endangering.join(',')}}`, `{${endangering.join(',')}}`],
  );
  return rows.map(({ via, count }) => ({
    relation: keys[via]!.name,
    entity: keys[via]!.endangers!.className,
    count,
  }));
}

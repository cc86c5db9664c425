import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { execute } from '../sql/transaction.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionRestriction } from '../errors/deletion-restriction.js';
import { tableName } from '../sql/table-name.js';
import type { CascadingKey } from '../postgres/cascade-catalog.js';
import { type ForeignKeyFacts, foreignKeyFacts, rowsOfView } from '../postgres/foreign-key-facts.js';
import { STALE } from '../postgres/kept-facts.js';

/** Rows that are about to be removed physically, as a condition on the rows `p` of the root's table. @internal */
export interface PhysicalRemoval {
  readonly meta: EntityMetadata;
  readonly condition: SqlFragment;
}

/** The keys by which removals may take soft-deletable rows along, as far as they are known. @internal */
export async function cascadesOf(
  em: EntityManager,
  ctx: Transaction | undefined,
  meta: EntityMetadata,
): Promise<readonly CascadingKey[]> {
  return (await foreignKeyFacts.get(em, ctx)).cascades(em).catalog.from(meta);
}

/**
 * Refuses removals along with which the database would remove soft-deletable rows, active or deleted: keys with `on delete cascade`
 * lead there, directly or through rows that go as well. One statement per entity that has such keys behind it, in plain SQL,
 * so that no filter hides a row; or one in all, which asks whether there are such keys by now.
 *
 * @throws DeletionRestrictedError naming every such key
 * @throws SoftDeleteConfigError if there are such keys behind a view, of whose rows nobody can tell which they are about
 * @internal
 */
export async function refusePhysicalCascade(
  em: EntityManager,
  ctx: Transaction | undefined,
  removals: readonly PhysicalRemoval[],
): Promise<void> {
  if (removals.length === 0) {
    return;
  }
  const restrictions = await foreignKeyFacts.use(em, ctx, (facts) => findEndangered(em, ctx, facts, removals));
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(
      removals[0]!.meta.className,
      restrictions,
      'The foreign key would remove them physically. Make the entity soft-deletable, remove the rows with hardDelete() first, or change the key’s deleteRule.',
    );
  }
}

async function findEndangered(
  em: EntityManager,
  ctx: Transaction | undefined,
  facts: ForeignKeyFacts,
  removals: readonly PhysicalRemoval[],
): Promise<DeletionRestriction[] | typeof STALE> {
  const { catalog, isFresh } = facts.cascades(em);
  const restrictions: DeletionRestriction[] = [];
  const endangering = removals.filter(({ meta }) => catalog.from(meta).length > 0);
  if (endangering.length === 0) {
    const sql = `select ${isFresh.sql} as "isFresh"`;
    const [row] = await execute<{ isFresh: boolean }>(em, ctx as Transaction, sql, isFresh.params);
    return row!.isFresh ? [] : STALE;
  }
  for (const removal of endangering) {
    if (catalog.isView(removal.meta)) {
      throw rowsOfView(removal.meta);
    }
    const found = await countEndangered(em, ctx, removal, catalog.from(removal.meta), isFresh);
    if (found === STALE) {
      return STALE;
    }
    restrictions.push(...found);
  }
  return restrictions;
}

/** A name that no table has: it would hide the table. */
const GOING = '"soft-delete:going"';

/** Follows the keys from row to row, in circles as well. */
async function countEndangered(
  em: EntityManager,
  ctx: Transaction | undefined,
  { meta, condition }: PhysicalRemoval,
  keys: readonly CascadingKey[],
  isFresh: SqlFragment,
): Promise<DeletionRestriction[] | typeof STALE> {
  const steps = keys.map((key, via) => {
    const same = key.columns.map((column, i) => `c.${column} = p.${key.referenced[i]!}`);
    // The table that rows are of tells which keys go on from them.
    return (
      `select ${via}::int as via, c.tableoid as part, c.ctid as place from ${key.to} as p, ${key.from} as c ` +
      `where p.tableoid = g.part and p.ctid = g.place and ${same.join(' and ')}`
    );
  });
  const endangering = keys.flatMap(({ endangers }, via) => (endangers ? [via] : []));
  const rows = await execute<{ via: number | null; count: number }>(
    em,
    ctx as Transaction,
    `with recursive ${GOING}(via, part, place) as (
       select -1, p.tableoid, p.ctid from ${tableName(em, meta.root)} as p where ${condition.sql}
       union
       select x.via, x.part, x.place from ${GOING} as g cross join lateral (${steps.join(' union all ')}) as x
       where not g.via = any(cast(? as int[]))
     ) select via, count(*)::int as count from ${GOING} where via = any(cast(? as int[])) group by via
     union all select null, 0 where ${isFresh.sql} order by via`,
    [...condition.params, `{${endangering.join(',')}}`, `{${endangering.join(',')}}`, ...isFresh.params],
  );
  return rows.some(({ via }) => via === null)
    ? rows.flatMap(({ via, count }) =>
        via === null ? [] : [{ relation: keys[via]!.name, entity: keys[via]!.endangers!.className, count }],
      )
    : STALE;
}

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { getInstallation } from '../../installation/installation.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { STALE } from '../../postgres/kept-facts.js';
import { uniqueFacts } from '../../postgres/unique-facts.js';
import { activePredicateSql } from '../../metadata/active-predicate.js';
import { entityKeys } from '../../sql/entity-key.js';
import { assignUnitSql } from '../../sql/deleted-at-sql.js';
import { inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from '../../sql/row-set.js';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { tableName } from '../../sql/table-name.js';
import { describeVetoes } from '../../postgres/vetoes.js';
import { execute } from '../../sql/transaction.js';
import type { Affected } from '../cascade-deletion.js';
import { checkUniques, findUniqueConflicts, type TakenRow } from './find-unique-conflicts.js';

/** How many rows are checked and activated by one statement. */
const AT_ONCE = 50_000;

/**
 * Makes rows active again, one statement per entity, unless something stands in their way: then nothing is written. What would share a
 * unique value with them is found by the statement that activates the first of them, or before where they are many.
 *
 * @internal
 */
export async function activateUnlessTaken(
  em: EntityManager,
  ctx: Transaction,
  rows: RowSet,
): Promise<{ affected: Affected; conflicts: readonly RestoreConflict[] }> {
  const { catalog } = getInstallation(em);
  const affected: Affected = new Map();
  const entries = rows.entities().map((root) => catalog.get(root));
  const total = entries.reduce((sum, { meta }) => sum + rows.count(meta), 0);
  const [first] = entries;
  if (!first) {
    return { affected, conflicts: [] };
  }
  if (total > AT_ONCE) {
    const conflicts = await findUniqueConflicts(em, ctx, catalog, rows);
    if (conflicts.length > 0) {
      return { affected, conflicts };
    }
  } else {
    const activated = await activateFirst(em, ctx, catalog, first, rows);
    if (typeof activated !== 'number') {
      return { affected, conflicts: activated };
    }
    affected.set(first, activated);
  }
  for (const entry of entries) {
    if (!affected.has(entry)) {
      affected.set(entry, await activate(em, ctx, entry, rows));
    }
  }
  const conflicts: RestoreConflict[] = [];
  for (const entry of entries) {
    if (affected.get(entry) !== rows.count(entry.meta)) {
      conflicts.push(...(await findKept(em, ctx, entry, rows)));
    }
  }
  return { affected, conflicts };
}

/** Rows that are deleted still, though the update has made them active: the database has kept or changed their times. */
async function findKept(
  em: EntityManager,
  ctx: Transaction,
  { name, meta, column }: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<RestoreConflict[]> {
  const kept: RowKey[] = [];
  await inChunks(rows.each(meta), async (chunk) => {
    const { sql, params } = keyConditionSql(em, meta, 'c', chunk);
    const where = `${sql} and c.${em.getPlatform().quoteIdentifier(column)} is not null`;
    const found = await execute<{ key: string[] }>(
      em,
      ctx,
      `select ${keySql(em, meta, 'c')} from ${tableName(em, meta)} as c where ${where}`,
      params,
    );
    kept.push(...found.map(({ key }) => key));
  });
  const [veto] = await describeVetoes(em, ctx, [[meta, kept.length]], 'update');
  const keyOf = await entityKeys(em, ctx, meta, kept);
  return kept.map((key) => ({ reason: 'schema', entity: name, key: keyOf(key), column, constraint: veto!.relation }));
}

/** @returns how many rows it has activated, or what stands in the way of any of the rows */
function activateFirst(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<number | RestoreConflict[]> {
  return uniqueFacts.use(em, ctx, async (facts) => {
    const { taken, isFresh, describe } = checkUniques(em, ctx, catalog, facts, rows);
    const update = activateSql(em, entry, rows.keys(entry.meta));
    const [params, others] = [[...isFresh.params], [...update.params]];
    const steps = [`"soft-delete:known" as materialized (select ${isFresh.sql} as "isFresh")`];
    const conditions = ['(select "isFresh" from "soft-delete:known")'];
    if (taken) {
      steps.push(`"soft-delete:taken" as materialized (${taken.sql})`);
      conditions.push('not exists (select from "soft-delete:taken")');
      params.push(...taken.params);
    }
    const found = await execute<Partial<TakenRow> & { count: number }>(
      em,
      ctx,
      `with ${steps.join(', ')}, "soft-delete:activated" as (${update.sql} and ${conditions.join(' and ')} returning ${update.isActive}) ` +
        `select null::int as position, null::text[] as key, null::text[] as conflicting, null::boolean as restored, ` +
        `${ACTIVATED} as count from "soft-delete:known" where "isFresh"` +
        (taken ? ' union all select *, 0 from "soft-delete:taken"' : ''),
      [...params, ...others],
    );
    const known = found.find(({ position }) => position === null);
    const pairs = found.filter(({ position }) => position !== null) as TakenRow[];
    if (!known) {
      return STALE;
    }
    return pairs.length > 0 ? describe(pairs) : known.count;
  });
}

async function activate(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<number> {
  let count = 0;
  await inChunks(rows.each(entry.meta), async (chunk) => {
    const { sql, params, isActive } = activateSql(em, entry, chunk);
    const [row] = await execute<{ count: number }>(
      em,
      ctx,
      `with "soft-delete:activated" as (${sql} returning ${isActive}) select ${ACTIVATED} as count`,
      params,
    );
    count += row!.count;
  });
  return count;
}

const ACTIVATED = '(select (count(*) filter (where "isActive"))::int from "soft-delete:activated")';

function activateSql(
  em: EntityManager,
  entry: SoftDeletableEntityMetadata,
  keys: readonly RowKey[],
): SqlFragment & { readonly isActive: string } {
  const assigned = assignUnitSql(em, entry, null);
  const condition = keyConditionSql(em, entry.meta, 'c', keys);
  return {
    sql: `update ${tableName(em, entry.meta)} as c set ${assigned.assignments} where ${condition.sql}`,
    params: [...assigned.params, ...condition.params],
    isActive: `${activePredicateSql(`c.${em.getPlatform().quoteIdentifier(entry.column)}`)} as "isActive"`,
  };
}

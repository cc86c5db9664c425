import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { AdvisedRestriction } from '../errors/deletion-restriction.js';
import { arrayText, type RowSet } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';

/** The bits of `tgtype` and the `ev_type` of an event. */
const EVENTS = { update: { trigger: 16, rule: 2 }, delete: { trigger: 8, rule: 4 } } as const;

/** Who it is where nothing is found, what it does, and what helps. */
const VETOES = {
  delete: {
    otherwise: 'a trigger',
    does: '',
    advice: 'Have it let these rows go, or a trigger raise an error that says why not.',
  },
  update: {
    otherwise: "the column's type",
    does: ' that changes the time of deletion',
    advice: 'Have it leave the time as it is written, to the microsecond, or raise an error that says why not.',
  },
} as const;

/**
 * What has kept rows of tables, without a word, from being deleted, or from getting the time of deletion that was written. Asked once it is
 * known that something has.
 *
 * @param counts - how many rows of each entity
 * @internal
 */
export async function describeVetoes(
  em: EntityManager,
  ctx: Transaction,
  counts: readonly (readonly [root: EntityMetadata, count: number])[],
  event: keyof typeof EVENTS,
): Promise<AdvisedRestriction[]> {
  if (counts.length === 0) {
    return [];
  }
  const { trigger, rule } = EVENTS[event];
  // Of triggers those that run before the row is written or instead of that. Rows that a policy hides from an update were not locked either.
  const found = await execute<{ names: string | null }>(
    em,
    ctx,
    `select concat_ws(' or ', case when exists (select from pg_trigger as g where not g.tgisinternal and g.tgenabled <> 'D'
       and g.tgtype & ${trigger} <> 0 and g.tgtype & 66 <> 0 and g.tgrelid in (
         select to_regclass(t.name)::oid union all select p.relid from pg_partition_tree(to_regclass(t.name)) as p)) then 'a trigger' end,
     case when exists (select from pg_rewrite as r where r.ev_class = to_regclass(t.name) and r.ev_type = '${rule}') then 'a rule' end,
     case when ${event === 'delete'} and row_security_active(to_regclass(t.name)) then 'row-level security' end) as names
     from unnest(cast(? as text[])) with ordinality as t(name, i) order by t.i`,
    [arrayText(counts.map(([root]) => tableName(em, root)))],
  );
  const { otherwise, does, advice } = VETOES[event];
  return counts.map(
    ([{ tableName: table, className: entity }, count], i) =>
      new AdvisedRestriction(`${found[i]!.names || otherwise} of ${table}${does}`, entity, count, advice),
  );
}

/**
 * Rows that were locked, and that are there after they were deleted. Rows of pivot tables are not locked.
 *
 * @param gone - how many rows of each entity were deleted
 * @internal
 */
export function findVetoes(
  em: EntityManager,
  ctx: Transaction,
  rows: RowSet,
  gone: readonly number[],
): Promise<AdvisedRestriction[]> {
  const kept = rows.entities().map((root, i) => [root, rows.count(root) - gone[i]!] as const);
  return describeVetoes(
    em,
    ctx,
    kept.filter(([root, count]) => count > 0 && !root.pivotTable),
    'delete',
  );
}

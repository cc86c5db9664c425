import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { arrayText, type RowSet } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { adviceOnHidden } from './removed-rows.js';

/** The bits of `tgtype` and the `ev_type` of an event. */
const EVENTS = { update: { trigger: 16, rule: 2 }, delete: { trigger: 8, rule: 4 } } as const;

const CULPRIT = /^(a trigger|a rule|row-level security|the column's type) /;
const CHANGES = ' that changes the time of deletion';

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
): Promise<DeletionRestriction[]> {
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
  const [otherwise, what] = event === 'delete' ? ['a trigger', ''] : ["the column's type", CHANGES];
  return counts.map(([{ tableName: table, className: entity }, count], i) => ({
    relation: `${found[i]!.names || otherwise} of ${table}${what}`,
    entity,
    count,
  }));
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
): Promise<DeletionRestriction[]> {
  const kept = rows.entities().map((root, i) => [root, rows.count(root) - gone[i]!] as const);
  return describeVetoes(
    em,
    ctx,
    kept.filter(([root, count]) => count > 0 && !root.pivotTable),
    'delete',
  );
}

/** What to do about restrictions, where something else helps than usual. @internal */
export function adviceOnVetoes(restrictions: readonly DeletionRestriction[]): string | undefined {
  const vetoes = restrictions.filter(({ relation }) => CULPRIT.test(relation));
  if (vetoes.length === 0) {
    return adviceOnHidden(restrictions);
  }
  return vetoes.some(({ relation }) => relation.endsWith(CHANGES))
    ? 'Have it leave the time as it is written, to the microsecond, or raise an error that says why not.'
    : 'Have it let these rows go, or a trigger raise an error that says why not.';
}

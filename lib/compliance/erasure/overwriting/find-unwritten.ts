import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import { arrayText } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import { findPending, pendingId } from '../search/find-pending.js';

/**
 * Of rows that were overwritten, those that show the old values all the same: a trigger of the application has put them back, or has left
 * out the row. They are marked as blocked.
 *
 * @internal
 */
export async function findUnwritten(
  em: EntityManager,
  ctx: Transaction,
  overwritten: readonly PersonalRow[],
): Promise<ReadonlySet<PersonalRow>> {
  const candidates = overwritten.filter(({ isLive, isGoing }) => isLive && !isGoing);
  const tables = [...new Set(candidates.map(({ root }) => root))].flatMap((root) =>
    tablesOf(em.getMetadata(), root).map((table) => ({ root, name: tableName(em, table) })),
  );
  if (tables.length === 0) {
    return new Set();
  }
  const found = await execute<{ i: number }>(
    em,
    ctx,
    `select t.i::int as i from unnest(cast(? as text[])) with ordinality as t(name, i) where exists (
       select from pg_rewrite as r where r.ev_class = to_regclass(t.name) and r.ev_type = '2')
     or exists (select from pg_trigger as g where not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 16 <> 0 and g.tgrelid in (
       select to_regclass(t.name)::oid union all select p.relid from pg_partition_tree(to_regclass(t.name)) as p))`,
    [arrayText(tables.map(({ name }) => name))],
  );
  const triggered = new Set(found.map(({ i }) => tables[i - 1]!.root));
  const suspects = candidates.filter(({ root }) => triggered.has(root));
  const pending = await findPending(em, ctx, suspects);
  const unwritten = suspects.filter((row) => pending.has(pendingId(row)));
  unwritten.forEach((row) => {
    row.blocked = { ground: `a trigger of ${row.root.tableName} keeps its values`, until: null };
  });
  return new Set(unwritten);
}

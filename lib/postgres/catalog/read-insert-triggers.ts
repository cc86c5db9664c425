import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';

/** The entities whose tables, or partitions of these, have triggers that an insert fires: they may change rows, or leave them out. @internal */
export async function readInsertTriggers(
  em: EntityManager,
  ctx: Transaction,
  metas: readonly EntityMetadata[],
): Promise<Set<EntityMetadata>> {
  const rows = await execute<{ i: number }>(
    em,
    ctx,
    `select t.i::int as i from unnest(cast(? as text[])) with ordinality as t(name, i) where exists (
       select from pg_trigger as g where not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 4 <> 0 and g.tgrelid in (
         select to_regclass(t.name)::oid union all select p.relid from pg_partition_tree(to_regclass(t.name)) as p))`,
    [arrayText(metas.map((meta) => tableName(em, meta)))],
  );
  return new Set(rows.map(({ i }) => metas[i - 1]!));
}

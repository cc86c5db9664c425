import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { removeAll } from '../../../deletion/hard-delete-rows.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { inChunks, keyConditionSql, type RowKey } from '../../../sql/row-set.js';
import { executeCounting } from '../../../sql/transaction.js';
import type { PlannedRemoval } from './plan-removal.js';

/** Clears the keys of the rows that stay, and removes those that go. @internal */
export async function removeRows(
  em: EntityManager,
  ctx: Transaction,
  { graph }: SoftDeleteCatalog,
  { going, clearing }: PlannedRemoval,
): Promise<void> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const byKey = Map.groupBy(
    clearing.filter(({ key, holder }) => key !== undefined && holder !== undefined),
    ({ table, columns }) => JSON.stringify([table, columns]),
  );
  for (const rows of byKey.values()) {
    const { table, holder, columns } = rows[0]!;
    await inChunks(
      rows.map(({ key }): RowKey => key!),
      async (keys) => {
        const among = keyConditionSql(em, holder!, 'c', keys, primaryColumns(holder!), table);
        await executeCounting(
          em,
          ctx,
          `update ${table} as c set ${columns.map((column) => `${quote(column)} = null`).join(', ')} where ${among.sql}`,
          among.params,
        );
      },
    );
  }
  if (going.entities().length > 0) {
    // The keys were read in this transaction.
    await removeAll(em, ctx, graph, going, { sql: 'true', params: [] });
  }
}

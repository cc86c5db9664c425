import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { removeAll } from '../../../deletion/hard-delete-rows.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { STALE } from '../../../postgres/kept-facts.js';
import { inChunks, keyConditionSql, keySql, type RowKey, RowSet } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute, executeCounting } from '../../../sql/transaction.js';
import type { PlannedRemoval } from './plan-removal.js';

/**
 * Clears the keys of the rows that stay, and removes those that go.
 *
 * @returns the rows that are still there: a trigger or a rule of the application has kept them without a word
 * @internal
 */
export async function removeRows(
  em: EntityManager,
  ctx: Transaction,
  { graph }: SoftDeleteCatalog,
  { going, clearing }: PlannedRemoval,
): Promise<RowSet> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const byKey = Map.groupBy(
    // What is left of the others the database clears.
    clearing.filter(({ key, clearable }) => key !== undefined && clearable.length > 0),
    ({ table, clearable }) => JSON.stringify([table, clearable]),
  );
  for (const rows of byKey.values()) {
    const { table, holder, clearable } = rows[0]!;
    await inChunks(
      rows.map(({ key }): RowKey => key!),
      async (keys) => {
        const among = keyConditionSql(em, holder!, 'c', keys, primaryColumns(holder!), table);
        await executeCounting(
          em,
          ctx,
          `update ${table} as c set ${clearable.map((column) => `${quote(column)} = null`).join(', ')} where ${among.sql}`,
          among.params,
        );
      },
    );
  }
  const stayed = new RowSet();
  // The keys were read in this transaction.
  const vetoes = await removeAll(em, ctx, graph, going);
  for (const root of vetoes === STALE || vetoes.length === 0 ? [] : going.entities()) {
    await inChunks(going.each(root), async (keys) => {
      const among = keyConditionSql(em, root, 'c', keys);
      const rows = await execute<{ key: string[] }>(
        em,
        ctx,
        `select ${keySql(em, root, 'c')} from ${tableName(em, root)} as c where ${among.sql}`,
        among.params,
      );
      await stayed.add(
        root,
        rows.map(({ key }) => key),
      );
    });
  }
  return stayed;
}

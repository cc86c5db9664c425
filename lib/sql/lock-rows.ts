import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { tableName } from './table-name.js';
import { keyConditionSql, keySql, type RowKey } from './row-set.js';
import type { RowSelection } from './select-rows.js';
import { execute } from './transaction.js';

/**
 * Locks the rows that are asked for and returns the keys of those that still are once their locks are held.
 *
 * A condition on the row's own columns is one that PostgreSQL checks again by itself when it has waited for a lock. Whatever else the
 * condition looks at it would take from before the wait, so it is asked once more, in a statement that sees what has been
 * committed meanwhile.
 *
 * @see https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
 * @internal
 */
export async function lockRows(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  { keys, condition }: RowSelection,
): Promise<RowKey[]> {
  const columns = primaryColumns(meta.root).map((column) => `c.${em.getPlatform().quoteIdentifier(column)}`);
  const among = `(${columns.join(', ')}) in (${keys.sql})`;
  const find = async (where: string, params: readonly unknown[], lock: string) => {
    const rows = await execute<{ key: string[] }>(
      em,
      ctx,
      `select ${keySql(em, meta, 'c')} from ${tableName(em, meta.root)} as c where ${where}${lock}`,
      params,
    );
    return rows.map(({ key }) => key);
  };
  const asked = condition ?? { sql: among, params: keys.params };
  const locked = await find(asked.sql, asked.params, ` order by ${columns.join(', ')} for update of c`);
  if (condition || locked.length === 0) {
    return locked;
  }
  // All at once, however many: the condition may name as many keys itself.
  const within = keyConditionSql(em, meta, 'c', locked);
  return find(`${within.sql} and ${among}`, [...within.params, ...keys.params], '');
}

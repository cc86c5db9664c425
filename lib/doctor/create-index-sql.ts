import type { DatabaseTable } from '../postgres/database-table.js';
import type { Examination } from './examination.js';

/**
 * The statement that adds an index without stopping writes, where PostgreSQL can do that. Its name is the one that the
 * schema generator gives it, so that the generator leaves it as it is.
 *
 * @internal
 */
export function createIndexSql(
  { label, quote, platform }: Examination,
  table: DatabaseTable,
  columns: readonly string[],
  condition = '',
): string {
  const name = platform.getIndexName(table.name, [...columns], 'index');
  const isFree = table.indexes.every((index) => index.name !== name);
  return [
    'create index',
    ...(table.partitioned ? [] : ['concurrently']),
    ...(isFree ? [quote(name)] : []),
    `on ${label(table)} (${columns.map(quote).join(', ')})${condition && ` where ${condition}`};`,
  ].join(' ');
}

import type { PurgeEntity } from '../key-graph.js';
import type { QuoteValue } from './path-sql.js';
import { timeSql } from './row-sql.js';

/** The columns of the purge index. @internal */
export function ageColumns({ deletedAt, table }: PurgeEntity): string[] {
  return [deletedAt.name, ...table.key.map(({ name }) => name)];
}

/** Conditions for the rows behind a cursor. @internal */
export function ageAfterSql(
  entity: PurgeEntity,
  cursor: readonly string[] | undefined,
  quote: QuoteValue,
  operator: '>' | '<' = '>',
): string[] {
  if (!cursor) {
    return [];
  }
  const columns = ageColumns(entity).map((column) => `p.${column}`);
  const values = [
    timeSql(entity.deletedAt, cursor[0]!, quote),
    ...entity.table.key.map(({ type }, i) => `${quote(cursor[i + 1]!)}::${type}`),
  ];
  return [`(${columns.join(', ')}) ${operator} (${values.join(', ')})`];
}

/** The place of a row in the order as a cursor: text, since a `Date` has no microseconds. @internal */
export function ageTextSql(entity: PurgeEntity, alias: string): string {
  return `jsonb_build_array(${ageColumns(entity)
    .map((column) => `${alias}.${column}::text`)
    .join(', ')})`;
}

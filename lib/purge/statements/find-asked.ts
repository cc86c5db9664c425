import type { PurgeEntity } from '../plan/key-graph.js';
import { dueSql, keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** @internal */
export interface AskedRow {
  /** The position of the key in the list, from 1 on. */
  readonly n: string;
  /** The key as the row has it. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly deletedAt: string | null;
  readonly isDue: boolean;
}

/** The rows of a list of keys as they are. @internal */
export function findAsked(
  entity: PurgeEntity,
  keys: readonly string[],
  cutoff: string | undefined,
  quote: QuoteValue,
): string {
  const { table, deletedAt } = entity;
  const column = `p.${deletedAt.name}`;
  const zoned = deletedAt.type === 'timestamp without time zone' ? `${column} at time zone 'UTC'` : column;
  return `select k.n::text as n, ${keySql(table)} as key, (extract(epoch from ${zoned}) * 1000)::text as "deletedAt",
  ${cutoff === undefined ? 'false' : `coalesce(${dueSql(entity, cutoff, quote)}, false)`} as "isDue"
from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}`;
}

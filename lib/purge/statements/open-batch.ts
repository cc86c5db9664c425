import type { PurgeTable } from '../plan/key-graph.js';

/** How many rows the current transaction, and others not yet reported, have removed and changed, by the table's id. @internal */
export type RowCounters = Readonly<Record<string, readonly [removed: number, changed: number]>>;

/** @internal */
export interface OpenedRow {
  readonly counters: RowCounters;
  /** To ask for the fate of the transaction if the connection breaks while it commits. */
  readonly transaction: string | null;
  /** What holds there are, in a run that looks after holds. */
  readonly holds: string | null;
}

/** What is to be known of a batch's transaction before its work begins. @internal */
export function openBatch(counted: readonly PurgeTable[], holds = 'null'): string {
  return `select ${countersSql(counted)} as counters,
  case when not pg_is_in_recovery() then pg_current_xact_id()::text end as transaction,
  ${holds} as holds`;
}

/** @internal */
export function countersSql(tables: readonly PurgeTable[]): string {
  const pairs = tables.map(
    ({ id }) =>
      `'${id}', jsonb_build_array(pg_stat_get_xact_tuples_deleted(${id}::oid), pg_stat_get_xact_tuples_updated(${id}::oid))`,
  );
  return `jsonb_build_object(${pairs.join(', ')})`;
}

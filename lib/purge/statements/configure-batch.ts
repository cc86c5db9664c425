import { PHYSICAL_DELETE_SETTING } from '../../metadata/guard-setting.js';
import type { PurgeTable } from '../key-graph.js';
import type { QuoteValue } from './path-sql.js';

/** @internal */
export interface BatchSettings {
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** Milliseconds. */
  readonly statementTimeout: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  /** Whether hooks are called. They do things outside of the database, so the commit then waits until it is on disk. */
  readonly hasHooks: boolean;
  /** Tables whose counters are read, to be compared later. */
  readonly counted: readonly PurgeTable[];
}

/** How many rows the current transaction, and others not yet reported, have removed and changed, by the table's id. @internal */
export type RowCounters = Readonly<Record<string, readonly [removed: number, changed: number]>>;

/** @internal */
export interface ConfiguredRow {
  readonly counters: RowCounters;
  /** To ask for the fate of the transaction if the connection breaks while it commits. */
  readonly transaction: string | null;
  /** The server's process of the connection. */
  readonly process: number;
}

/**
 * Makes the transaction short, harmless and allowed to remove rows. Everything is local to the transaction, so that it is safe
 * behind a transaction pooler. Batches are found by index or by place: a plan that reads a whole table, or sorts all that is left
 * of its due rows for each batch, is never wanted, although statistics that know of few due rows make the planner think so. The
 * cost that it puts on such plans must not set off the JIT compiler.
 *
 * @internal
 */
export function configureBatch(settings: BatchSettings, quote: QuoteValue): string {
  const values: Record<string, string> = {
    lock_timeout: `${Math.ceil(settings.lockTimeout)}ms`,
    statement_timeout: `${Math.ceil(settings.statementTimeout)}ms`,
    idle_in_transaction_session_timeout: `${Math.ceil(settings.idleTimeout)}ms`,
    enable_tidscan: 'on',
    enable_seqscan: 'off',
    enable_sort: 'off',
    max_parallel_workers_per_gather: '0',
    jit: 'off',
    ...(settings.hasHooks ? {} : { synchronous_commit: 'off' }),
    [PHYSICAL_DELETE_SETTING]: 'allowed',
  };
  const calls = Object.entries(values).map(([name, value]) => `set_config(${quote(name)}, ${quote(value)}, true)`);
  const id = 'case when not pg_is_in_recovery() then pg_current_xact_id()::text end';
  return `select ${calls.join(', ')}, ${countersSql(settings.counted)} as counters, ${id} as transaction, pg_backend_pid() as process`;
}

/** @internal */
export function countersSql(tables: readonly PurgeTable[]): string {
  const pairs = tables.map(
    ({ id }) =>
      `'${id}', jsonb_build_array(pg_stat_get_xact_tuples_deleted(${id}::oid), pg_stat_get_xact_tuples_updated(${id}::oid))`,
  );
  return `jsonb_build_object(${pairs.join(', ')})`;
}

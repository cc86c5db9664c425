import type { PurgeTable } from '../plan/key-graph.js';
import { countersSql } from './open-batch.js';

/**
 * What the transaction has removed and changed so far, to see whether the database's own `on delete` rules have touched a row
 * that nobody was asked about: one that began to reference a purged row after the statement had taken its snapshot.
 *
 * @internal
 */
export function readCounters(tables: readonly PurgeTable[]): string {
  return `select ${countersSql(tables)} as counters, current_setting('track_counts')::bool as "isCounting"`;
}

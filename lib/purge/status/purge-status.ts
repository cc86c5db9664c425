import type { Duration } from '../../options/duration.js';

/**
 * How much there is to purge.
 *
 * @publicApi
 */
export interface PurgeStatus {
  /** The database's clock. */
  readonly at: Date;
  readonly entities: readonly PurgeEntityStatus[];
}

/**
 * How much of one entity there is to purge.
 *
 * @publicApi
 */
export interface PurgeEntityStatus {
  readonly entity: string;
  readonly table: string;
  /** Milliseconds, or `'forever'`. */
  readonly retention: Extract<Duration, number> | 'forever';
  /** Rows deleted before this time are due; `undefined` if they are kept forever. */
  readonly cutoff: Date | undefined;
  /** Deleted rows, due or not. */
  readonly deleted: number;
  /** Deleted rows whose retention is over. */
  readonly due: number;
  /** Due rows that stay because something that is not due needs them. */
  readonly blocked: number;
  /** The time of deletion of the oldest due row. */
  readonly oldestDue: Date | undefined;
  /**
   * How many milliseconds ago the oldest due row that is not blocked came due: how far the purge is behind. Blocked rows do not
   * count, since no purge can remove them.
   */
  readonly overdueBy: number;
}

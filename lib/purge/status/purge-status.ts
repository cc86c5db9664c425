import type { Duration } from '../../options/duration.js';

/**
 * How many rows there are to purge.
 *
 * @publicApi
 */
export interface PurgeStatus {
  /** The database's clock. */
  readonly at: Date;
  readonly entities: readonly PurgeEntityStatus[];
}

/**
 * How many rows of one entity there are to purge.
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
  /** Due rows that stay because a row that is not due needs them. */
  readonly blocked: number;
  /** The time of deletion of the oldest due row. */
  readonly oldestDue: Date | undefined;
  /**
   * For how many milliseconds the oldest due row that is not blocked has been due: how late the purge is. Blocked rows do not count, since
   * no purge can remove them.
   */
  readonly overdueBy: number;
  /**
   * Why no run purges these rows, though they have a retention. `blocked` is 0 then, and `overdueBy` counts all due rows; all counts are 0
   * where nobody says in which schemas the rows are.
   */
  readonly error?: string;
}

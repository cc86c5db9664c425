/**
 * How late the purge is.
 *
 * @publicApi
 */
export interface PurgeLag {
  /** The database's clock. */
  readonly at: Date;
  /** One entry per entity that has a retention, and per schema for those of schema `'*'`. */
  readonly entities: readonly PurgeEntityLag[];
}

/**
 * How late the purge of one entity is.
 *
 * @publicApi
 */
export interface PurgeEntityLag {
  readonly entity: string;
  readonly table: string;
  /** Rows deleted before this time are due. */
  readonly cutoff: Date;
  /** The time of deletion of the oldest due row, blocked or not. */
  readonly oldestDue: Date | undefined;
  /** For how many milliseconds that row has been due; with `unblocked`, the oldest due row that nothing blocks. */
  readonly overdueBy: number;
  /** How many rows are due, with `unblocked`. */
  readonly due?: number;
  /** How many of them are blocked, with `unblocked`. */
  readonly blocked?: number;
}

/**
 * Options of `PurgeService.lag()`.
 *
 * @publicApi
 */
export interface PurgeLagOptions {
  /**
   * Leaves out blocked rows, which no purge can remove. This counts all due rows and looks for rows that reference them.
   *
   * @default false
   */
  readonly unblocked?: boolean;
}

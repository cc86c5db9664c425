/**
 * How far behind the purge is.
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
 * How far behind the purge of one entity is.
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
  /** How many milliseconds ago that row came due; with `unblocked`, the oldest due row that nothing blocks. */
  readonly overdueBy: number;
  /** How many rows are due, with `unblocked`. */
  readonly due?: number;
  /** How many of them something blocks, with `unblocked`. */
  readonly blocked?: number;
}

/**
 * Options of `PurgeService.lag()`.
 *
 * @publicApi
 */
export interface PurgeLagOptions {
  /**
   * Leaves blocked rows out, which no purge can remove. To tell them, all due rows are counted and looked up in what references them.
   *
   * @default false
   */
  readonly unblocked?: boolean;
}

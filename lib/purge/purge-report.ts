/**
 * The result of a purge, or of its dry run.
 *
 * @publicApi
 */
export interface PurgeReport {
  /** When the run began, by the database's clock. */
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly dryRun: boolean;
  /**
   * `'completed'`: the run reached everything due. `'braked'`: it skipped entities with far more due rows than usual. Otherwise it was
   * stopped after a batch, by its time budget, its signal, `maxRows` or a throttle, and the next run continues.
   */
  readonly outcome: 'completed' | 'time-budget' | 'aborted' | 'row-limit' | 'throttled' | 'braked';
  /** Whether nothing is left for another run to continue: the outcome is `'completed'` or `'braked'`. */
  readonly isFinished: boolean;
  /** How many rows of soft-deletable entities were removed. */
  readonly total: number;
  /** One entry per entity that has a retention, children before parents. */
  readonly entities: readonly PurgeEntityReport[];
}

/**
 * The result of a purge for one entity. After a completed run, `purged + blocked + failed + locked + held` is the number of rows
 * that were due; rows that another instance removed meanwhile are in that one's report.
 *
 * @publicApi
 */
export interface PurgeEntityReport {
  readonly entity: string;
  readonly table: string;
  /** Rows deleted before this time were due. */
  readonly cutoff: Date;
  readonly purged: number;
  /** Due rows that stay because a row that is not due needs them. */
  readonly blocked: number;
  /** Due rows whose removal failed. */
  readonly failed: number;
  /** Due rows that somebody else had locked until the end, and rows that wait for such a row. */
  readonly locked: number;
  /** Due rows that legal holds cover, blocked or not. */
  readonly held: number;
  readonly batches: number;
  readonly durationMs: number;
  /** What blocks. A row that several references block counts for each. */
  readonly blockedBy: readonly PurgeBlock[];
  /** The first hundred rows that failed. */
  readonly failures: readonly PurgeFailure[];
  /** Set if the brake skipped the entity, because far more of its rows were due than usual. */
  readonly braked?: PurgeBrake;
  /** Why the run did not look at this entity. It did look at the others. */
  readonly error?: string;
}

/**
 * How many rows of an entity were due when the brake skipped it.
 *
 * @publicApi
 */
export interface PurgeBrake {
  readonly due: number;
  /** The median of the runs on record; `undefined` while there are fewer than ten. */
  readonly usual?: number;
  /** How many the brake would have let pass. */
  readonly limit: number;
}

/**
 * A reference that keeps due rows from being removed.
 *
 * @publicApi
 */
export interface PurgeBlock {
  /** The table of the referencing rows. */
  readonly table: string;
  /** The foreign key, or the relation as `Entity.property` if the database has no key for it. */
  readonly constraint: string;
  /** How many due rows it keeps. */
  readonly rows: number;
}

/**
 * A row whose removal failed.
 *
 * @publicApi
 */
export interface PurgeFailure {
  /** The primary key: a value, or the values of a composite key in the order of their declaration. */
  readonly key: unknown;
  readonly message: string;
  /** The SQLSTATE, if the database refused. */
  readonly sqlState?: string;
  readonly constraint?: string;
}

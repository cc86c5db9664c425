/**
 * The progress of a purge, for a throttle.
 *
 * @publicApi
 */
export interface PurgeThrottleState {
  /** The entity whose next batch is about to begin. */
  readonly entity: string;
  /** How many rows of the entity the run has removed so far. */
  readonly purged: number;
  /** How many milliseconds the database worked for the last batch; 0 before the first. */
  readonly batchMs: number;
}

/**
 * The database, for throttles that query it. The run holds no connection between two queries.
 *
 * @publicApi
 */
export interface PurgeThrottleDatabase {
  /** The table of the entity, quoted, with its schema. */
  readonly table: string;
  /** Quotes a value for SQL. */
  quote(value: string | number): string;
  /** Reads in one statement. */
  read<Row extends object>(sql: string): Promise<Row[]>;
}

/**
 * Called before each batch, while the run holds no connection. `'go'` begins the batch, `'wait'` asks again later, and `'stop'` ends the
 * run, which the next one continues.
 *
 * @publicApi
 */
export type PurgeThrottle = (
  state: PurgeThrottleState,
  database: PurgeThrottleDatabase,
) => 'go' | 'wait' | 'stop' | Promise<'go' | 'wait' | 'stop'>;

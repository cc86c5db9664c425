import type { Duration } from './duration.js';
import type { PurgeThrottle } from './purge-throttle.js';
import type { PurgeBrakeOptions } from './brake-options.js';
import type { ErasureOptions } from './erasure-options.js';
import type { LogOptions } from './log-options.js';

/**
 * When and how deleted rows are removed for good.
 *
 * @publicApi
 */
export interface PurgeOptions {
  /** When the purge runs, as a cron expression. Without it, or with `''`, nothing is scheduled; `PurgeService` works all the same. */
  cron?: string;
  /**
   * Set it to `'external'` if something outside of the application runs the purge: a job queue, a Kubernetes CronJob or the `soft-delete`
   * command. It schedules nothing, and turns off the warning at start-up that nothing purges.
   */
  engine?: 'external';
  /**
   * The time zone of `cron`, such as `'Europe/Berlin'`.
   *
   * @default the process' time zone
   */
  timeZone?: string;
  /**
   * How long entities without a retention keep their deleted rows.
   *
   * @default 'forever'
   */
  retention?: Duration | 'forever';
  /**
   * How many rows one transaction removes.
   *
   * @default adapted between 50 and 5,000 so that a batch takes about 50 ms
   */
  batchSize?: number;
  /**
   * How long one run may take. It ends after the batch under way; the next run continues.
   *
   * @default no limit
   */
  timeBudget?: Duration;
  /**
   * How long to rest after each batch, so that the application can use the database.
   *
   * @default six times as long as the database worked for the batch
   */
  pauseBetweenBatches?: Duration;
  /**
   * How many rows of soft-deletable entities one run may remove; the next run continues.
   *
   * @default no limit
   */
  maxRows?: number;
  /**
   * Called before each batch, while the run holds no connection: `replicationLag()`, `vacuumBacklog()`, `window()`, or your own function.
   * Of several, the strictest answer counts.
   *
   * @default none
   */
  throttle?: PurgeThrottle | readonly PurgeThrottle[];
  /**
   * Returns the names of the schemas of entities of schema `'*'`, one per tenant for example. Each run calls it, so it sees new ones. A run
   * purges the schemas one after the other, before the other entities.
   *
   * @default the `schema` of the ORM's configuration; without one, a run skips such entities and reports them
   */
  schemas?: () => Promise<readonly string[]> | readonly string[];
  /**
   * How long a batch waits for a lock before it skips the row.
   *
   * @default '50ms'
   */
  lockTimeout?: Duration;
  /**
   * When a run skips an entity because far more of its rows are due than usual. The outcome is then `'braked'`; `run({ overrideBrake: true
   * })` purges it. `false` turns the brake off.
   *
   * @default { factor: 5, atLeast: 1000, share: 0.5 }
   */
  brake?: PurgeBrakeOptions | false;
}

/**
 * Options of `SoftDeleteModule.forRoot()` and of `softDelete()` in the MikroORM configuration. With both, each may name what the other
 * leaves out.
 *
 * @publicApi
 */
export interface SoftDeleteModuleOptions {
  /**
   * Which MikroORM instance, as named in its configuration and in `MikroOrmModule.forRoot()`.
   *
   * @default the instance registered without a name
   */
  contextName?: string;
  /** Who is deleting, for `deletedBy`, records and events: called once per operation. */
  actor?: () => string | undefined;
  /** How deletions are recorded. */
  log?: LogOptions;
  /** When personal data is erased, and the ledger of erasures. */
  erasure?: ErasureOptions;
  /** When and how deleted rows are removed for good. */
  purge?: PurgeOptions;
}

/**
 * Options of `installSoftDelete()`, which works without Nest.
 *
 * @publicApi
 */
export type InstallSoftDeleteOptions = Pick<SoftDeleteModuleOptions, 'actor' | 'log' | 'erasure'>;

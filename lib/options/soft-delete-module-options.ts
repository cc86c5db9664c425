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
   * What runs the purge, where it is not `cron`: `'external'` says that something outside of the application does, such as a job
   * queue, a Kubernetes CronJob or the `soft-delete` command. It schedules nothing and spares the warning at start-up that nothing
   * purges.
   */
  engine?: 'external';
  /**
   * The time zone of `cron`, such as `'Europe/Berlin'`.
   *
   * @default the process' time zone
   */
  timeZone?: string;
  /**
   * How long deleted rows are kept, for entities that name no retention of their own.
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
   * How long one run may take. It ends after the batch under way; the next run goes on.
   *
   * @default no limit
   */
  timeBudget?: Duration;
  /**
   * How long to rest after each batch, to leave the database to the application.
   *
   * @default six times as long as the batch took
   */
  pauseBetweenBatches?: Duration;
  /**
   * How many rows of soft-deletable entities one run may remove; the next run goes on.
   *
   * @default no limit
   */
  maxRows?: number;
  /**
   * Asked before each batch whether it may begin, with no connection held: `replicationLag()`, `vacuumBacklog()`, `window()`, or a
   * function of your own. Of several the strictest answer counts.
   *
   * @default none
   */
  throttle?: PurgeThrottle | readonly PurgeThrottle[];
  /**
   * How long a batch waits for a lock before it passes the row over.
   *
   * @default '50ms'
   */
  lockTimeout?: Duration;
  /**
   * When a run leaves an entity alone because far more of its rows are due than usual; its outcome is `'braked'` then, and
   * `run({ overrideBrake: true })` goes on. `false`: never.
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
  /** When persons' data is erased, and who is told. */
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

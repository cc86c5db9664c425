import type { AnyEntityName } from '../options/any-of-the-orm.js';
import type { Duration } from '../options/duration.js';

/**
 * How far a run has come, after each batch.
 *
 * @publicApi
 */
export interface PurgeProgress {
  readonly entity: string;
  /** How many rows of the entity were removed so far. */
  readonly purged: number;
  /**
   * How many due rows of the entity somebody else has locked, as far as the run has met them. It passes over them and tries them again
   * at its end.
   */
  readonly locked: number;
  /** How many rows of all entities were removed so far. */
  readonly total: number;
  /** How many rows of the entity this batch has removed. */
  readonly batchRows: number;
  /** How many milliseconds the database worked for it; 0 where it was part of a batch of several entities. */
  readonly batchMs: number;
}

/**
 * Options of `PurgeService.run()`.
 *
 * @publicApi
 */
export interface PurgeRunOptions {
  /**
   * Which soft-deletable entities, as classes, schemas or names. Rows of others are not removed, so they can block.
   *
   * @default all
   */
  readonly entities?: readonly (AnyEntityName | string)[];
  /**
   * Counts what a run would remove and what would block it, and writes nothing.
   *
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * Purges only rows that were deleted longer ago than this. It never shortens a retention. It also purges entities without a retention,
   * unless their mark says `'forever'`.
   */
  readonly olderThan?: Duration;
  /**
   * The schema of the entities that live in the schema of the entity manager (`schema: '*'`), such as a tenant's. Without one the run skips
   * these entities, and their entries in the report have an `error`.
   *
   * @default the `schema` of the ORM's configuration
   */
  readonly schema?: string;
  /** How many rows one transaction removes. */
  readonly batchSize?: number;
  /** How long the run may take. It ends after the batch under way. */
  readonly timeBudget?: Duration;
  /**
   * How many rows of soft-deletable entities the run may remove. It ends when they are gone, with the outcome `'row-limit'`.
   *
   * @default the module's `purge.maxRows`
   */
  readonly maxRows?: number;
  /**
   * Also purges entities of which far more rows are due than usual.
   *
   * @default false
   */
  readonly overrideBrake?: boolean;
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal;
  /** Called after each batch, without being awaited. An error that it throws is logged, and the run continues. */
  readonly onProgress?: (progress: PurgeProgress) => unknown;
}

/**
 * Options of `PurgeService.runJob()`: those of `run()` that the job does not set itself.
 *
 * @publicApi
 */
export type PurgeJobOptions = Omit<PurgeRunOptions, 'entities' | 'dryRun'>;

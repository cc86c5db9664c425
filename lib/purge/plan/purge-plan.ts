import type { PurgeEntityStatus } from '../status/purge-status.js';

/**
 * What a purge would go through, in its order, without counting rows.
 *
 * @publicApi
 */
export interface PurgePlan {
  readonly entities: readonly PurgePlannedEntity[];
  /** What would make the purge of all large tables easier on the server, as SQL. */
  readonly advice: readonly string[];
}

/**
 * How the rows of one entity are purged.
 *
 * @publicApi
 */
export interface PurgePlannedEntity {
  readonly entity: string;
  readonly table: string;
  readonly retention: PurgeEntityStatus['retention'];
  /** Rows deleted before this time are due; `undefined` if they are kept forever. */
  readonly cutoff: Date | undefined;
  /** References that keep a due row, until the referencing row is gone. */
  readonly blockedBy: readonly PurgePlannedReference[];
  /** What goes with a row. */
  readonly removes: readonly PurgePlannedReference[];
  /** What would make the purge of this entity faster, or easier on the server, as SQL. */
  readonly advice: readonly string[];
  /** Why no run purges the rows, though they have a retention, and what to do. */
  readonly error?: string;
}

/**
 * A reference to a purgeable row, directly or through what goes with it.
 *
 * @publicApi
 */
export interface PurgePlannedReference {
  /** The table of the referencing rows. */
  readonly table: string;
  /** The foreign key, or the relation as `Entity.property` if the database has no key for it. */
  readonly constraint: string;
  /** What the database does to the referencing rows by itself. */
  readonly onDelete: string;
  /** The soft-deletable entity of the referencing rows, if it is one. */
  readonly entity?: string;
}

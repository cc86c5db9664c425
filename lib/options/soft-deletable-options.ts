import type { EntityKey } from '@mikro-orm/core';
import type { Duration } from './duration.js';

/**
 * What deleting a row does to the rows of one of its relations: `'cascade'` deletes them in the same unit, `'restrict'` refuses while an
 * active one exists, and `'keep'` leaves them alone.
 *
 * @publicApi
 */
export type RelationPolicy = 'cascade' | 'restrict' | 'keep';

/**
 * What a deletion does with a row: mark it in its table, or move it to `deletion_archive`.
 *
 * @publicApi
 */
export type DeletionStrategy = 'soft' | 'archive';

/**
 * Maps the columns of archived rows to those of a table that has changed since.
 *
 * @publicApi
 */
export interface ArchivedColumnOptions {
  /** Columns that have another name today: `{ old: 'new' }`. */
  renamed?: Readonly<Record<string, string>>;
  /** Columns that the table no longer has, and whose values a restoration may drop. */
  dropped?: readonly string[];
}

/**
 * How one entity is soft-deleted.
 *
 * @publicApi
 */
export interface SoftDeletableOptions<Entity = any> {
  /**
   * The nullable timestamp property with the time of deletion.
   *
   * @default 'deletedAt'
   */
  property?: EntityKey<Entity>;
  /**
   * A nullable text property that receives the actor in the statement that deletes the row; `restore()` clears it. The actor comes from the
   * operation's options, `withDeletionContext()`, or the module's `actor()`; without any of them it is null.
   */
  deletedBy?: EntityKey<Entity>;
  /**
   * How long a deleted row is kept before a purge may remove it: a duration (`'30d'`, `'12h'`, milliseconds) or `'forever'`.
   *
   * @default the module's `purge.retention`
   */
  retention?: Duration | 'forever';
  /**
   * Per to-many or inverse one-to-one relation, what deleting a row does to its rows.
   *
   * @default `'cascade'` where a physical delete would have taken them too (`Cascade.REMOVE`, `Cascade.ALL`, `orphanRemoval`,
   * or a foreign key with `deleteRule: 'cascade'`), else `'keep'`
   */
  relations?: { [Relation in EntityKey<Entity>]?: RelationPolicy };
  /**
   * Adds the partial index on deleted rows that a purge, a restore and a cascade read.
   *
   * @default true
   */
  purgeIndex?: boolean;
  /**
   * Adds a trigger that refuses every physical delete except those of `hardDelete()`, a purge or `erase()`. A Nest application refuses to
   * start with it on a partitioned table, where PostgreSQL moves rows between partitions by deleting them.
   *
   * @default false
   */
  guard?: boolean;
  /**
   * `'archive'` moves deleted rows to the table `deletion_archive`, from where `restore()` brings them back: for tables with many writes.
   * The entity has no timestamp, and the ORM needs the entities of `complianceEntities()`.
   *
   * @default 'soft'
   */
  strategy?: DeletionStrategy;
  /** With `strategy: 'archive'`: columns that were renamed or dropped after rows were archived, by their column names. */
  archive?: ArchivedColumnOptions;
}

import type { EntityKey } from '@mikro-orm/core';
import type { Duration } from './duration.js';

/**
 * What deleting a row does to the rows behind one of its relations: delete them in the same unit, refuse while an active
 * one exists, or leave them alone.
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
 * How the columns of an archived row lead to those of a table that has changed since.
 *
 * @publicApi
 */
export interface ArchivedColumnOptions {
  /** Columns that have another name today: `{ old: 'new' }`. */
  renamed?: Readonly<Record<string, string>>;
  /** Columns that the table no longer has, and whose values a restoration may leave behind. */
  dropped?: readonly string[];
}

/**
 * How one entity is soft-deleted.
 *
 * @publicApi
 */
export interface SoftDeletableOptions<Entity = any> {
  /**
   * The nullable timestamp property that says when a row was deleted.
   *
   * @default 'deletedAt'
   */
  property?: EntityKey<Entity>;
  /**
   * A nullable text property that receives who has deleted the row, in the same statement; `restore()` clears it. The actor is the one
   * of the operation's options, of `withDeletionContext()`, or of the module's `actor()`; without any of them it is null.
   */
  deletedBy?: EntityKey<Entity>;
  /**
   * How long a deleted row is kept before a purge may remove it: a duration (`'30d'`, `'12h'`, milliseconds) or `'forever'`.
   *
   * @default the module's `purge.retention`
   */
  retention?: Duration | 'forever';
  /**
   * Per to-many or inverse one-to-one relation, what deleting a row does to the rows behind it.
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
   * Adds a trigger that refuses every physical delete which does not come from `hardDelete`, a purge or `erase`. Refused at the start on
   * a partitioned table, where PostgreSQL moves rows between partitions by deleting them.
   *
   * @default false
   */
  guard?: boolean;
  /**
   * `'archive'` removes deleted rows from their table and keeps them in `deletion_archive`, from where `restore()` brings them back:
   * for tables with many writes. The entity has no timestamp, and the ORM needs the entities of `complianceEntities()`.
   *
   * @default 'soft'
   */
  strategy?: DeletionStrategy;
  /** With `strategy: 'archive'`: what has become of columns since rows were archived. Names are those of columns. */
  archive?: ArchivedColumnOptions;
}

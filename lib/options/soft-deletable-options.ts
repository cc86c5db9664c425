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
   * Adds a trigger that refuses every physical delete which does not come from `hardDelete`, a purge or `erase`.
   *
   * @default false
   */
  guard?: boolean;
}

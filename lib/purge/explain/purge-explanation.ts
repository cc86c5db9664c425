/**
 * What the next run would do with a row:
 * - `'unknown'`: there is no such row, deleted or not
 * - `'active'`: it is not deleted
 * - `'kept'`: its entity is kept forever
 * - `'waiting'`: its retention is not over
 * - `'braked'`: it is due, but a run skips its entity, since far more of its rows are due than usual
 * - `'held'`: it is due, and a legal hold covers it
 * - `'blocked'`: it is due, and a row that stays needs it
 * - `'locked'`: it is due, and somebody has locked it, or a row that has to be removed before it
 * - `'removable'`: the next run removes it
 *
 * @publicApi
 */
export type PurgeRowState =
  | 'unknown'
  | 'active'
  | 'kept'
  | 'waiting'
  | 'braked'
  | 'held'
  | 'blocked'
  | 'locked'
  | 'removable';

/**
 * Why a row is still there, or when it goes.
 *
 * @publicApi
 */
export interface PurgeExplanation {
  readonly entity: string;
  /** The key as it was passed. */
  readonly key: unknown;
  readonly state: PurgeRowState;
  readonly isDue: boolean;
  readonly deletedAt?: Date;
  /** When its retention ends or ended; `undefined` for rows that are active or kept forever. */
  readonly dueAt?: Date;
  /** The legal holds that cover it, due or not. */
  readonly heldBy: readonly { readonly id: number; readonly name: string }[];
  /** Rows that stay and need the row, if it is due. */
  readonly blockedBy: readonly PurgeBlocker[];
}

/**
 * Rows that keep a due row from being removed.
 *
 * @publicApi
 */
export interface PurgeBlocker {
  /** The table of the referencing rows. */
  readonly table: string;
  /** The foreign key, or the relation as `Entity.property` if the database has no key for it. */
  readonly constraint: string;
  /** The soft-deletable entity of the referencing rows, if it is one: ask `explain()` why they stay. */
  readonly entity?: string;
  /** How many rows. */
  readonly rows: number;
  /** The primary keys of the first ten of them; none if their table has no primary key. */
  readonly keys: readonly unknown[];
}

/**
 * Options of `PurgeService.explain()`.
 *
 * @publicApi
 */
export interface PurgeExplainOptions {
  /**
   * The schema of an entity that lives in the schema of the entity manager (`schema: '*'`), such as a tenant's.
   *
   * @default the `schema` of the ORM's configuration
   */
  readonly schema?: string;
}

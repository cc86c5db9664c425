import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../options/any-of-the-orm.js';

/**
 * Called inside the transaction of each batch, before its rows are removed.
 *
 * It may be called again for a row: a batch that fails is tried again in smaller ones, and a transaction that cannot commit is
 * repeated by the next run. What it does outside of the database must be harmless to repeat.
 *
 * @param rows - the rows of the batch, with their keys and the `fields` of the hook
 * @param context - `em` is the entity manager of the batch's transaction
 * @throws anything: the rows stay and count as failed
 * @publicApi
 */
export type PurgeHandler<Entity extends object = any> = (
  rows: Entity[],
  context: { readonly em: EntityManager },
) => Promise<void> | void;

/**
 * Options of `@OnPurge()`.
 *
 * @publicApi
 */
export interface OnPurgeOptions<Entity extends object = any> {
  /**
   * The properties that the handler reads. Besides the primary key, nothing else is loaded.
   *
   * @default the primary key alone
   */
  readonly fields?: readonly (Extract<keyof Entity, string> | (string & {}))[];
}

/** @internal */
export interface PurgeHook {
  readonly entity: AnyEntityName;
  readonly handler: PurgeHandler;
  readonly fields: readonly string[];
}

import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../../options/any-of-the-orm.js';
import type { DeletionContext } from '../../events/deletion-context.js';

/** What rows are hooked for. @internal */
export type HookedAction = 'deleted' | 'restored';

/**
 * What a handler of `@OnDelete()` or `@OnRestore()` gets besides the rows: the actor, the reason, and an entity manager.
 *
 * @publicApi
 */
export interface HookContext extends DeletionContext {
  /** Works in the operation's transaction. What it persists is flushed when the handler returns. */
  readonly em: EntityManager;
}

/**
 * Called inside the transaction of a deletion or restoration, before it commits.
 *
 * @param rows - up to 1,000 rows of the operation, with their keys and the `fields` of the hook. They are not managed.
 * @throws anything: the whole operation is undone, in the database and in memory, and rejects with what was thrown
 * @publicApi
 */
export type DeletionHandler<Entity extends object = any> = (
  rows: Entity[],
  context: HookContext,
) => Promise<void> | void;

/**
 * Options of `@OnDelete()`, `@OnRestore()` and `registerHook()`.
 *
 * @publicApi
 */
export interface DeletionHookOptions<Entity extends object = any> {
  /**
   * The properties that the handler reads. Besides the primary key, nothing else is loaded.
   *
   * @default the primary key alone
   */
  readonly fields?: readonly (Extract<keyof Entity, string> | (string & {}))[];
}

/** @internal */
export interface DeletionHook {
  readonly action: HookedAction;
  readonly entity: AnyEntityName;
  readonly handler: DeletionHandler;
  readonly fields: readonly string[];
}

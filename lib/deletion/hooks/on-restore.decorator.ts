import type { EntityClass } from '@mikro-orm/core';
import type { DeletionHookOptions } from './deletion-hook.js';
import { markMethod } from './mark-method.js';

/**
 * Has a method of a provider called with the rows of an entity that an operation restores, those of the unit below it included, inside
 * of its transaction and before that commits. If it throws, nothing is restored.
 *
 * ```ts
 * @OnRestore(User)
 * async countAgain(users: User[], { em }: HookContext) { … }
 * ```
 *
 * Called in portions of up to 1,000 rows. Entities without a handler are not read. Works as a TypeScript
 * (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @throws SoftDeleteConfigError if the entity is none, or an option is unknown; at start-up, if the entity is not soft-deletable or
 * lacks a field
 * @publicApi
 */
export function OnRestore<Entity extends object>(
  entity: EntityClass<Entity>,
  options: DeletionHookOptions<Entity> = {},
) {
  return markMethod('OnRestore', 'restored', entity, options);
}

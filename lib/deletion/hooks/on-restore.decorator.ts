import type { EntityName } from '@mikro-orm/core';
import type { MethodMarker } from '../../metadata/method-mark.js';
import type { DeletionHandler, DeletionHookOptions } from './deletion-hook.js';
import { markMethod } from './mark-method.js';

/**
 * Calls a provider's method with the rows of an entity that an operation restores, those of the unit below it included, inside its
 * transaction and before the commit. If the method throws, nothing is restored.
 *
 * ```ts
 * @OnRestore(User)
 * async countAgain(users: User[], { em }: HookContext) { … }
 * ```
 *
 * Called in portions of up to 1,000 rows. Entities without a handler are not read. Works as a TypeScript
 * (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @throws SoftDeleteConfigError if the argument is not an entity, or an option is unknown; at start-up, if the entity is not soft-deletable
 * or lacks a field
 * @publicApi
 */
export function OnRestore<Entity extends object>(
  entity: EntityName<Entity>,
  options: DeletionHookOptions<Entity> = {},
): MethodMarker<DeletionHandler<Entity>> {
  return markMethod('OnRestore', 'restored', entity, options);
}

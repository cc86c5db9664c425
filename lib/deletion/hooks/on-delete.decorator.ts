import type { EntityClass } from '@mikro-orm/core';
import type { DeletionHookOptions } from './deletion-hook.js';
import { markMethod } from './mark-method.js';

/**
 * Has a method of a provider called with the rows of an entity that an operation soft-deletes, those that it cascades to included,
 * inside of its transaction and before that commits: for counters, outboxes, revoked sessions, "may not be deleted while …". If it
 * throws, nothing is deleted. It does not matter how the rows were deleted: `softDelete()`, `em.remove()`, an orphan,
 * `nativeDelete()`.
 *
 * ```ts
 * @OnDelete(User, { fields: ['email'] })
 * async revokeSessions(users: User[], { em, actor, reason }: HookContext) { … }
 * ```
 *
 * Called in portions of up to 1,000 rows. Entities without a handler are not read. Works as a TypeScript
 * (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @throws SoftDeleteConfigError if the entity is none, or an option is unknown; at start-up, if the entity is not soft-deletable or
 * lacks a field
 * @publicApi
 */
export function OnDelete<Entity extends object>(
  entity: EntityClass<Entity>,
  options: DeletionHookOptions<Entity> = {},
) {
  return markMethod('OnDelete', 'deleted', entity, options);
}

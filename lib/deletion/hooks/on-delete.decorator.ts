import type { EntityName } from '@mikro-orm/core';
import type { MethodMarker } from '../../metadata/method-mark.js';
import type { DeletionHandler, DeletionHookOptions } from './deletion-hook.js';
import { markMethod } from './mark-method.js';

/**
 * Calls a provider's method with the rows of an entity that an operation soft-deletes, cascaded ones included, inside its transaction and
 * before the commit: to update counters, write to an outbox, revoke sessions, or veto the deletion. If the method throws, nothing is
 * deleted. It is called however the rows are deleted: by `softDelete()`, `em.remove()`, orphan removal or `nativeDelete()`.
 *
 * ```ts
 * @OnDelete(User, { fields: ['email'] })
 * async revokeSessions(users: User[], { em, actor, reason }: HookContext) { … }
 * ```
 *
 * Called in portions of up to 1,000 rows. Entities without a handler are not read. Works as a TypeScript
 * (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @throws SoftDeleteConfigError if the argument is not an entity, or an option is unknown; at start-up, if the entity is not soft-deletable
 * or lacks a field
 * @publicApi
 */
export function OnDelete<Entity extends object>(
  entity: EntityName<Entity>,
  options: DeletionHookOptions<Entity> = {},
): MethodMarker<DeletionHandler<Entity>> {
  return markMethod('OnDelete', 'deleted', entity, options);
}

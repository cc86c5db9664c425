import type { EntityName } from '@mikro-orm/core';
import type { DeletionHandler, DeletionHookOptions } from '../../../deletion/hooks/deletion-hook.js';
import { requireHookOptions } from '../../../deletion/hooks/require-hook-options.js';
import type { MethodMarker } from '../../../metadata/method-mark.js';
import { ON_ERASE } from './erasure-hook.js';

/**
 * Has a method of a provider called with the rows of an entity before an erasure overwrites or removes them, inside of its transaction:
 * the place to delete files, and to tell processors. If it throws, nothing is erased, and the erasure stays open: the next run calls
 * it again, so what it does must be harmless to repeat.
 *
 * ```ts
 * @OnErase(Customer, { fields: ['avatarPath'] })
 * async deleteAvatar(customers: Customer[], { em }: HookContext) { … }
 * ```
 *
 * Rows are active, deleted and archived ones; those that are held or kept are not among them. Works as a TypeScript
 * (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @throws SoftDeleteConfigError if the entity is none, or an option is unknown; at start-up, if no `@PersonalData()` speaks of the entity,
 * or it lacks a field
 * @publicApi
 */
export function OnErase<Entity extends object>(
  entity: EntityName<Entity>,
  options: DeletionHookOptions<Entity> = {},
): MethodMarker<DeletionHandler<Entity>> {
  requireHookOptions(`@OnErase(${entity?.name ?? ''})`, entity, options);
  return ON_ERASE.decorator({ entity, options });
}

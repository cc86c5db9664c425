import type { EntityName } from '@mikro-orm/core';
import type { MethodMarker } from '../../metadata/method-mark.js';
import type { DeletionHandler, DeletionHookOptions, HookedAction } from './deletion-hook.js';
import { HOOK } from './hook.mark.js';
import { requireHookOptions } from './require-hook-options.js';

/** A method decorator that has the method called for an entity. @internal */
export function markMethod<Entity extends object>(
  name: string,
  action: HookedAction,
  entity: EntityName<Entity>,
  options: DeletionHookOptions<Entity>,
): MethodMarker<DeletionHandler<Entity>> {
  requireHookOptions(`@${name}(${entity?.name ?? ''})`, entity, options);
  return HOOK.decorator({ action, entity, options });
}

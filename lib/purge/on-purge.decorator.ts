import type { EntityName } from '@mikro-orm/core';
import type { MethodMarker } from '../metadata/method-mark.js';
import { ON_PURGE } from './on-purge.mark.js';
import type { OnPurgeOptions, PurgeHandler } from './purge-hook.js';
import { requirePurgeHandlerOptions } from './require-purge-handler-options.js';

/**
 * Calls a provider's method with the rows of each batch of an entity before they are purged, inside the batch's transaction: the place to
 * delete files. If it throws, the rows stay and count as failed.
 *
 * ```ts
 * @OnPurge(User, { fields: ['avatarPath'] })
 * async deleteAvatars(users: User[], { em }: { em: EntityManager }) { … }
 * ```
 *
 * It may be called again for a row, so what it does must be harmless to repeat. While it runs, the rows are locked: keep it short.
 * Works as a TypeScript (`experimentalDecorators`) and as an ECMAScript decorator.
 *
 * @publicApi
 */
export function OnPurge<Entity extends object>(
  entity: EntityName<Entity>,
  options: OnPurgeOptions<Entity> = {},
): MethodMarker<PurgeHandler<Entity>> {
  requirePurgeHandlerOptions(`@OnPurge(${entity?.name})`, options);
  return ON_PURGE.decorator({ entity, options });
}

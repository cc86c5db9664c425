import { helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Refreshes an entity whose time of deletion may be gone from its row. Where `forceUndefined` is set, `em.refresh()` hands over what it
 * has read without the properties that are null (`serialize` leaves out what is undefined), and the entity would keep the time.
 *
 * @param property - the timestamp
 * @internal
 */
export async function forgetWhileRefreshed<Result>(
  em: EntityManager,
  entity: object,
  property: string,
  refresh: () => Promise<Result | null>,
): Promise<Result | null> {
  const original = helper(entity).__originalEntityData as Record<string, unknown> | undefined;
  if (!em.config.get('forceUndefined') || original?.[property] == null) {
    return refresh();
  }
  const target = entity as Record<string, unknown>;
  const before = { held: target[property], original: original[property] };
  const putBack = () => {
    target[property] = before.held;
    original[property] = before.original;
  };
  target[property] = undefined;
  original[property] = undefined;
  try {
    const refreshed = await refresh();
    if (refreshed === null) {
      putBack();
    }
    return refreshed;
  } catch (error) {
    putBack();
    throw error;
  }
}

import type { OrmModel } from './soft-delete-catalog.js';

/**
 * What an entity has in the place of a null of its row. Where `forceUndefined` is set, a null there is a change, which the next flush
 * would write.
 *
 * @internal
 */
export function nullValue({ config }: Pick<OrmModel, 'config'>): null | undefined {
  return config.get('forceUndefined') ? undefined : null;
}

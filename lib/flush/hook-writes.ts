import { isRaw } from '@mikro-orm/core';
import type { Removal } from './flush-state.js';

/**
 * What hooks have added to the update that deletes an entity (`runHooks` in `UnitOfWork.js`), as in a snapshot. It is in the row
 * once the update has run.
 *
 * @internal
 */
export function hookWrites({ changeSet, entry }: Removal): Record<string, unknown> {
  const { property, meta } = entry;
  return Object.fromEntries(
    Object.entries((changeSet?.payload ?? {}) as Record<string, unknown>).filter(
      ([name, value]) => name !== property && name !== meta.versionProperty && !isRaw(value),
    ),
  );
}

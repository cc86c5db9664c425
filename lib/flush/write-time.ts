import { type ChangeSet, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import type { FlushState } from './flush-state.js';

/** Puts the unit's time into the change sets of a flush, where listeners look for it. @internal */
export function showTime({ removals, unit }: FlushState): void {
  for (const { entry, changeSet } of removals) {
    changeSet!.payload[entry.property] = unit!.date;
  }
}

/**
 * Has the update write the unit's time to the microsecond. A row that someone else has deleted meanwhile keeps the time it was deleted at.
 *
 * @internal
 */
export function writeTime(
  em: Pick<EntityManager, 'getPlatform'>,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
  changeSet: ChangeSet<any>,
): void {
  changeSet.payload[entry.property] = raw(
    `coalesce(${em.getPlatform().quoteIdentifier(entry.column)}, cast(? as ${entry.columnType}))`,
    [unit.text],
  );
}

import { type ChangeSet, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { markValues } from '../memory/managed-entities.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import type { FlushState } from './flush-state.js';

/** Puts the unit's time into the change sets of a flush, where listeners look for it. @internal */
export function showTime({ removals, unit }: FlushState): void {
  for (const { entry, changeSet } of removals) {
    Object.assign(changeSet!.payload, markValues(entry, unit!.date, unit!.actor));
  }
}

/**
 * Has the update write the unit's time to the microsecond, and who deletes. A row that someone else has deleted meanwhile keeps the time
 * it was deleted at, and by whom.
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
  if (entry.deletedBy) {
    const [deletedAt, deletedBy] = [entry.column, entry.deletedBy.column].map((name) =>
      em.getPlatform().quoteIdentifier(name),
    );
    changeSet.payload[entry.deletedBy.property] = raw(
      `case when ${deletedAt} is null then cast(? as text) else ${deletedBy} end`,
      [unit.actor ?? null],
    );
  }
}

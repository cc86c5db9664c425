import { type ChangeSet, raw } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { markValues } from '../memory/managed-entities.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { holdsDate, unitValue } from '../sql/unit-value.js';
import type { FlushState } from './flush-state.js';

/** Puts the unit's time into the change sets of a flush, where listeners look for it. @internal */
export async function showTime({ em, removals, unit }: FlushState, ctx: Transaction): Promise<void> {
  for (const [entry, changeSets] of Map.groupBy(removals, (removal) => removal.entry)) {
    const value = await unitValue(em, ctx, entry, unit!);
    for (const { changeSet } of changeSets) {
      Object.assign(changeSet!.payload, markValues(entry, sentTime(em, entry, value()), unit!.actor));
    }
  }
}

/** About the time that a unit is going to have, as change sets have it. @internal */
export function expectedTime(em: EntityManager, entry: SoftDeletableEntityMetadata): unknown {
  const now = new Date();
  if (holdsDate(entry)) {
    return now;
  }
  // A read gives such a property the text of the column.
  const text = now.toISOString().replace('T', ' ').replace('Z', '+00');
  const { customType } = entry.meta.properties[entry.property]!;
  const value: unknown = customType?.convertToJSValue(text, em.getPlatform(), { mode: 'serialization' });
  return customType ? sentTime(em, entry, value) : text;
}

function sentTime(
  em: Pick<EntityManager, 'getPlatform'>,
  { meta, property }: SoftDeletableEntityMetadata,
  value: unknown,
): unknown {
  const { customType } = meta.properties[property]!;
  return customType ? customType.convertToDatabaseValue(value, em.getPlatform(), { mode: 'serialization' }) : value;
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
  changeSet: ChangeSet<object>,
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

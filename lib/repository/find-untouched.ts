import type { FilterQuery } from '@mikro-orm/core';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import type { WhereWritten } from './refuse-deleted-rows.js';
import type { SoftDeleteReadView } from './read-view.js';

/** @internal */
export interface LeavingAlone {
  readonly onConflictAction?: 'ignore' | 'merge';
  readonly onConflictWhere?: AnyCondition;
}

/**
 * The active rows that an upsert by an index over active rows finds and is told to leave as they are, by the place of what was
 * given. The ORM reads such a row again by everything that was given (`upsert` in `EntityManager.js`, where the fields of the
 * conflict are SQL): it would not find the active row, or find a deleted one with the same values. Runs up to two statements per
 * row, and none if nothing is to be left as it is.
 *
 * @internal
 */
export async function findUntouched<Entity extends object>(
  active: SoftDeleteReadView<Entity>,
  property: string,
  rows: readonly object[],
  unique: readonly string[],
  { onConflictAction, onConflictWhere }: LeavingAlone,
  reading: WhereWritten,
): Promise<ReadonlyMap<number, Entity>> {
  const untouched = new Map<number, Entity>();
  if (onConflictAction !== 'ignore' && !onConflictWhere) {
    return untouched;
  }
  for (const [place, row] of rows.entries()) {
    const values = unique.map((name) => [name, (row as Record<string, unknown>)[name]] as const);
    // A null is never in the way of another one.
    if (values.some(([, value]) => value == null)) {
      continue;
    }
    const where = { ...Object.fromEntries(values), [property]: null } as FilterQuery<Entity>;
    const found = (await active.findOne(where, reading)) as Entity | null;
    const isLeft = async () =>
      onConflictAction === 'ignore' ||
      (await active.count({ $and: [where, onConflictWhere] } as FilterQuery<Entity>, reading)) === 0;
    if (found && (await isLeft())) {
      untouched.set(place, found);
    }
  }
  return untouched;
}

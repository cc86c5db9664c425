import type { FilterQuery } from '@mikro-orm/core';
import { DeletedRowError } from '../errors/deleted-row.error.js';
import type { SoftDeleteReadView } from './read-view.js';

/** A row that the application's filters hide would be written to as well. */
const EVERY_ROW = { filters: false };

/**
 * Refuses to write to rows that are deleted. Runs one statement per key, however many rows there are.
 *
 * @param keys - the keys, as lists of properties, that identify deleted rows as well; a row that does not give all values of a
 * key is not found by it
 * @throws DeletedRowError naming the first row found
 * @internal
 */
export async function refuseDeletedRows<Entity extends object>(
  entity: string,
  deleted: SoftDeleteReadView<Entity>,
  rows: readonly object[],
  keys: readonly (readonly string[])[],
): Promise<void> {
  for (const key of keys.filter(({ length }) => length > 0)) {
    const given = rows
      .map((row) => Object.fromEntries(key.map((name) => [name, (row as Record<string, unknown>)[name]])))
      .filter((values) => Object.values(values).every((value) => value != null));
    if (given.length === 0 || (await deleted.count(anyOf(key, given) as FilterQuery<Entity>, EVERY_ROW)) === 0) {
      continue;
    }
    for (const values of given) {
      if ((await deleted.count(values as FilterQuery<Entity>, EVERY_ROW)) > 0) {
        throw new DeletedRowError(entity, values);
      }
    }
  }
}

function anyOf([first, ...others]: readonly string[], given: readonly Record<string, unknown>[]): object {
  return others.length === 0 ? { [first!]: { $in: given.map((values) => values[first!]) } } : { $or: given };
}

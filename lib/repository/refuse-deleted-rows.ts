import { type FilterQuery, helper } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletedRowError } from '../errors/deleted-row.error.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { keyAsCondition } from '../sql/entity-key.js';
import type { SoftDeleteReadView } from './read-view.js';

/** How what an upsert would meet is read. @internal */
export interface WhereWritten {
  readonly filters: false;
  readonly connectionType: 'write';
  readonly cache: false;
  readonly ctx?: Transaction;
  readonly schema?: string;
}

/**
 * Reads where an upsert writes: in its transaction and schema, on no replica and from no cache, which may not know yet what is deleted,
 * and every row, since one that the application's filters hide would be written to as well.
 *
 * @internal
 */
export function whereWritten({
  ctx,
  schema,
}: {
  readonly ctx?: unknown;
  readonly schema?: string | undefined;
}): WhereWritten {
  return {
    filters: false,
    connectionType: 'write',
    cache: false,
    ...(ctx === undefined ? {} : { ctx: ctx as Transaction }),
    ...(schema === undefined ? {} : { schema }),
  };
}

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
  options: WhereWritten,
): Promise<void> {
  for (const key of keys.filter(({ length }) => length > 0)) {
    const given = rows
      .map((row) => Object.fromEntries(key.map((name) => [name, (row as Record<string, unknown>)[name]])))
      .filter((values) => Object.values(values).every((value) => value != null));
    if (given.length === 0 || (await deleted.count(anyOf(key, given) as FilterQuery<Entity>, options)) === 0) {
      continue;
    }
    for (const values of given) {
      if ((await deleted.count(values as FilterQuery<Entity>, options)) > 0) {
        throw new DeletedRowError(entity, values);
      }
    }
  }
}

/**
 * Refuses what was handed out for a row that was deleted after it had been looked for: PostgreSQL has left it as it was, and the
 * entity would show what nobody has written. Runs one statement if there are several, of which the ORM does not say which were written.
 *
 * @throws DeletedRowError naming the first of them, when memory has the row as it is
 * @internal
 */
export async function refusePassedOver<Entity extends object>(
  em: EntityManager,
  { name, meta, property }: SoftDeletableEntityMetadata,
  written: readonly Entity[],
  deleted: SoftDeleteReadView<Entity>,
  options: WhereWritten,
): Promise<void> {
  const keyOf = (entity: Entity) => keyAsCondition(meta, helper(entity).getPrimaryKey());
  const keys = written.map(keyOf);
  const isComplete =
    written.length < 2 ||
    (await deleted.count(anyOf(meta.root.primaryKeys, keys) as FilterQuery<Entity>, options)) === 0;
  const suspects = isComplete ? written.filter((entity) => isDeletedRow(entity, property)) : written;
  for (const entity of suspects) {
    await em.refresh(entity, options as never);
  }
  const passedOver = suspects.find((entity) => isDeletedRow(entity, property));
  if (passedOver) {
    throw new DeletedRowError(name, keyOf(passedOver));
  }
}

/** @internal */
export function isDeletedRow(row: object, property: string): boolean {
  return (row as Record<string, unknown>)[property] != null;
}

function anyOf([first, ...others]: readonly string[], given: readonly Record<string, unknown>[]): object {
  return others.length === 0 ? { [first!]: { $in: given.map((values) => values[first!]) } } : { $or: given };
}

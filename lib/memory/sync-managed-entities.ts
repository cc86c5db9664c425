import { type EntityProperty, helper } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { outerManagers } from '../installation/outer-managers.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';
import { rowKeys } from '../sql/entity-key.js';
import {
  managedEntities,
  markDeleted,
  markValues,
  takeOver,
  type Undo,
  undoLoaded,
  whileActive,
} from './managed-entities.js';
import { identify, inChunks, keyConditionSql, keySql, type RowKey } from '../sql/row-set.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { execute } from '../sql/transaction.js';
import { unitValue } from '../sql/unit-value.js';

/**
 * Tells memory which of the entities it holds a set-based deletion has reached, the memory of the entity managers that this one
 * works for included. Asks only about those: rows that were never loaded stay where they are.
 *
 * @internal
 */
export async function syncDeleted(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const undo = await syncOne(em, ctx, entry, unit);
  const undoOuter = await syncDeletedOuter(em, ctx, entry, unit);
  return () => [undoOuter, undo].forEach((step) => step());
}

/** The same for the entity managers that this one works for alone, and for what this one loads later. @internal */
export async function syncDeletedOuter(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const undo = [undoDeleted(em, entry, unit)];
  for (const outer of outerManagers(em)) {
    undo.push(undoDeleted(outer, entry, unit), await syncOne(outer, ctx, entry, unit));
  }
  return () => undo.toReversed().forEach((step) => step());
}

async function syncOne(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<Undo> {
  const candidates = managedEntities(em, entry.meta).filter(
    (entity) => (entity as Record<string, unknown>)[entry.property] == null && helper(entity).hasPrimaryKey(),
  );
  return markDeleted(em, entry, await deletedInUnit(em, ctx, entry, unit, candidates));
}

/** What is loaded from now on with the time of a unit is active again once that is rolled back. */
function undoDeleted(em: EntityManager, entry: SoftDeletableEntityMetadata, unit: UnitTime): Undo {
  return undoLoaded(em, entry.meta, (entity) => {
    const values = entity as Record<string, unknown>;
    const time = values[entry.property];
    if (time instanceof Date && +time === +unit.date) {
      takeOver(em, entity, whileActive(entry, values));
    }
  });
}

/** Those of the entities whose rows are in a unit, with what these hold since. @internal */
export async function deletedInUnit(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
  candidates: readonly object[],
): Promise<Map<object, Record<string, unknown>>> {
  const deleted = new Map<object, Record<string, unknown>>();
  if (candidates.length === 0) {
    return deleted;
  }
  const value = await unitValue(em, ctx, entry, unit);
  const keys = [...(await rowKeys(em, ctx, entry.meta, candidates))];
  for (const [entity, written] of await readWritten(em, ctx, entry, unit.text, keys)) {
    deleted.set(entity, { ...markValues(entry, value(), unit.actor), ...written });
  }
  return deleted;
}

/**
 * What the rows of entities hold besides their time since a statement has written that.
 *
 * @param time - of the rows that are meant, the others are left out
 * @internal
 */
export async function readWritten(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  time: string | null,
  candidates: readonly [entity: object, key: RowKey][],
): Promise<[object, Record<string, unknown>][]> {
  const { meta } = entry;
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  // A trigger may have its own idea of who deletes.
  const names = [meta.ownsVersionProperty() && meta.versionProperty, entry.deletedBy?.property].filter(
    (name) => !!name,
  );
  const written = names.map((name) => meta.properties[name as never] as EntityProperty);
  const byKey = Map.groupBy(candidates, ([, key]) => identify(key));
  const found: [object, Record<string, unknown>][] = [];
  const columns = [
    keySql(em, meta, 'c', 'soft-delete:key'),
    ...written.flatMap(({ fieldNames }) => fieldNames).map((name) => `c.${quote(name)}`),
  ];
  await inChunks(candidates, async (chunk) => {
    const condition = keyConditionSql(
      em,
      meta,
      'c',
      chunk.map(([, key]) => key),
    );
    const rows = await execute<Record<string, unknown>>(
      em,
      ctx,
      `select ${columns.join(', ')} from ${tableName(em, meta)} as c ` +
        `where ${condition.sql} and c.${quote(entry.column)} is not distinct from cast(? as ${entry.columnType})`,
      [...condition.params, time],
    );
    for (const row of rows) {
      const mapped = em.getComparator().mapResult(meta, row as never) as Record<string, unknown>;
      const values = Object.fromEntries(written.map(({ name }) => [name, mapped[name]]));
      const held = byKey.get(identify(row['soft-delete:key'] as string[])) ?? [];
      found.push(
        ...held.map(
          ([entity]) => [entity, { ...values, ...countOn(entry, entity) }] as [object, Record<string, unknown>],
        ),
      );
    }
  });
  return found;
}

/** The next version of an entity that counts them: from what memory has, so that it still tells what somebody else has changed before. @internal */
export function countOn({ meta }: SoftDeletableEntityMetadata, entity: object): Record<string, unknown> {
  const version = (entity as Record<string, unknown>)[meta.versionProperty];
  return typeof version === 'number' ? { [meta.versionProperty]: version + 1 } : {};
}

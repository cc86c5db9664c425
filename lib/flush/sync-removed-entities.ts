import { helper, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { keepInStep, markDeleted, markValues, type Undo } from '../memory/managed-entities.js';
import { deletedInUnit } from '../memory/sync-managed-entities.js';
import { readAgain } from '../memory/read-again.js';
import { forgetUnsavedChanges, resetUnsavedChanges } from '../memory/repair-references.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { noteChanged } from '../sql/deleted-at-sql.js';
import { rowKeys } from '../sql/entity-key.js';
import { keyConditionSql } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { execute, inPreview } from '../sql/transaction.js';
import { unitValue } from '../sql/unit-value.js';
import type { FlushState, Removal } from './flush-state.js';

/**
 * Gives the entities that a flush has removed what their rows hold since.
 *
 * @returns which of them this unit has deleted: the others somebody else had deleted meanwhile
 * @internal
 */
export async function syncRemovedEntities(
  { em, unit }: FlushState,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  removals: readonly Removal[],
): Promise<{ inUnit: ReadonlySet<object>; undo: Undo }> {
  const { property } = entry;
  const marks = Object.keys(markValues(entry, null));
  const unknown = new Map<object, ReadonlySet<string>>();
  for (const { entity, original, initialized, changeSet } of removals) {
    const wrapped = helper(entity);
    if (original) {
      const kept: Record<string, unknown> = { ...original };
      const current = em.getComparator().prepareEntity<object>(entity) as Record<string, unknown>;
      keepWritten(kept, current, entry, marks, changeSet!.payload);
      const names = resetUnsavedChanges(em, entity, kept, marks, current);
      if (!initialized) {
        forgetUnsavedChanges(em, entity, kept, marks);
      } else if (names.size > 0) {
        unknown.set(entity, names);
      }
      wrapped.__originalEntityData = kept;
    }
    // An update marks the reference it was made through as loaded, though nothing but its key is known.
    wrapped.__initialized = initialized;
  }

  const value = await unitValue(em, ctx, entry, unit!);
  const time = value();
  const read = (entity: object) => (entity as Record<string, unknown>)[property];
  // A `Date` tells whether it is the unit's. Of another type, and in a session whose `DateStyle` the ORM cannot read, the rows are asked.
  const isUnits = (held: unknown) => time instanceof Date && held instanceof Date && +held === +time;
  const asked = removals.map(({ entity }) => entity).filter((entity) => !isUnits(read(entity)));
  const found = await deletedInUnit(em, ctx, entry, unit!, asked);
  const others = asked.filter((entity) => !found.has(entity));
  await findChanged(em, ctx, entry, unit!, others);
  for (const entity of others.filter((other) => !(read(other) instanceof Date))) {
    unknown.set(entity, new Set([...(unknown.get(entity) ?? []), property]));
  }
  await readAgain(em, ctx, entry.meta, unknown);
  const isOther = new Set(others);
  // As the update has returned it: of a row that somebody else has deleted meanwhile, theirs.
  const actorOf = (entity: object) => entry.deletedBy && (entity as Record<string, unknown>)[entry.deletedBy.property];
  const deleted = new Map(
    removals.map(({ entity }) => [
      entity,
      isOther.has(entity) ? markValues(entry, read(entity), actorOf(entity)) : markValues(entry, value(), unit!.actor),
    ]),
  );
  const inUnit = new Set([...deleted.keys()].filter((entity) => !isOther.has(entity)));
  return { inUnit, undo: markDeleted(em, entry, deleted) };
}

/**
 * Finds out why rows that a flush has updated do not have its time: mostly because somebody else had deleted them before, so that they keep
 * theirs. A row that is still active, and one whose time becomes another than is written for a moment, have been changed by the database.
 */
async function findChanged(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
  others: readonly object[],
): Promise<void> {
  if (others.length === 0) {
    return;
  }
  const { meta, column, columnType } = entry;
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const [table, time] = [tableName(em, meta), quote(column)];
  const keys = primaryColumns(meta).map((key) => `c.${quote(key)} = o.${quote(key)}`);
  const condition = keyConditionSql(em, meta, 'o', [...(await rowKeys(em, ctx, meta, others)).values()]);
  // Where the database writes another time than was tried: the same as before if it keeps the first one, unless that is now.
  const tried = `cast(? as ${columnType}) - interval '1:01:01.000001'`;
  const [row] = await inPreview(em, (own) =>
    execute<{ count: number }>(
      em,
      own,
      `with "soft-delete:tried" as (update ${table} as c set ${time} = ${tried} from ${table} as o ` +
        `where ${[...keys, condition.sql].join(' and ')} returning o.${time} is null or c.${time} is distinct from ${tried} ` +
        `and (c.${time} is distinct from o.${time} or o.${time} = now()) as changed) ` +
        `select count(*)::int as count from "soft-delete:tried" where changed`,
      [unit.text, ...condition.params, unit.text],
    ),
  );
  noteChanged(unit, meta, row!.count);
}

/** Takes over what the update has written besides the time: the version, and what hooks have changed. */
function keepWritten(
  kept: Record<string, unknown>,
  current: Readonly<Record<string, unknown>>,
  { meta }: SoftDeletableEntityMetadata,
  marks: readonly string[],
  payload: object,
): void {
  const values = payload as Record<string, unknown>;
  const written = Object.keys(values).filter(
    (name) => !marks.includes(name) && Utils.equals(values[name], current[name]),
  );
  for (const name of [...written, ...(meta.versionProperty ? [meta.versionProperty as string] : [])]) {
    keepInStep(kept, current, name);
  }
}

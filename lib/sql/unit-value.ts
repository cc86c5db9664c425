import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { hasTimeZone } from './deleted-at-sql.js';
import type { UnitTime } from './take-unit-time.js';
import { execute } from './transaction.js';

/** Gives the time of a unit as an entity holds it, its own value for each one. @internal */
export type UnitValue = () => unknown;

const known = new WeakMap<UnitTime, Map<SoftDeletableEntityMetadata, UnitValue>>();

/** Whether an entity has the time as a `Date`, which can be told without the database. @internal */
export function holdsDate({ meta, property }: SoftDeletableEntityMetadata): boolean {
  const { customType, runtimeType } = meta.properties[property]!;
  return !customType && runtimeType === 'Date';
}

/**
 * The time of a unit as a read of the row gives it. A property with its own type receives what the driver reads from the column,
 * whose text depends on the session, so the database is asked once.
 *
 * @internal
 */
export async function unitValue(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<UnitValue> {
  const values = known.get(unit) ?? new Map<SoftDeletableEntityMetadata, UnitValue>();
  known.set(unit, values);
  const value =
    values.get(entry) ?? (holdsDate(entry) ? dateOf(em, entry, unit) : await readValue(em, ctx, entry, unit));
  values.set(entry, value);
  return value;
}

function dateOf(
  em: EntityManager,
  { meta, property, column, columnType }: SoftDeletableEntityMetadata,
  unit: UnitTime,
) {
  if (hasTimeZone(columnType)) {
    return () => new Date(unit.date);
  }
  // Without a time zone of its own, the ORM reads the column in the one that it is configured for.
  const row = { [column]: unit.text.replace(/\+00$/, '') };
  return () => (em.getComparator().mapResult(meta, row) as Record<string, unknown>)[property];
}

async function readValue(
  em: EntityManager,
  ctx: Transaction,
  { meta, property, column, columnType }: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<UnitValue> {
  const platform = em.getPlatform();
  const { customType } = meta.properties[property]!;
  const [row] = await execute<Record<string, unknown>>(
    em,
    ctx,
    `select cast(? as ${columnType}) as ${platform.quoteIdentifier(column)}`,
    [unit.text],
  );
  return () => {
    const value = (em.getComparator().mapResult(meta, row as never) as Record<string, unknown>)[property];
    return customType ? customType.convertToJSValue(value, platform, { mode: 'serialization' }) : value;
  };
}

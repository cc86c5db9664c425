import { type EntityProperty, raw } from '@mikro-orm/core';
import type { OrmParts } from '../../installation/orm-parts.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/** A time to the microsecond in UTC, as `unitTextSql()` writes it. */
const EXACT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})\d{3}\+00$/;

type MapOffset = (prop: EntityProperty | undefined, value: unknown, ...rest: unknown[]) => unknown;

/**
 * Has cursors compare times of deletion to the microsecond, where one gives them so. The ORM makes a `Date` of every time in a cursor
 * (`mapCursorOffset` in `DatabaseDriver.js`), whose milliseconds leave out the rest of a unit, or find the last row again.
 *
 * @internal
 */
export function compareExactOffsets(orm: OrmParts, catalog: SoftDeleteCatalog): void {
  const driver = orm.getDriver() as unknown as { mapCursorOffset: MapOffset };
  const mapOffset = driver.mapCursorOffset;
  let times: ReadonlySet<unknown> | undefined;
  driver.mapCursorOffset = function (this: unknown, prop, value, ...rest) {
    times ??= new Set([...catalog.getMetadata()].map((meta) => meta.properties[catalog.find(meta)?.property as never]));
    return prop && times.has(prop) && isExact(value)
      ? raw(`cast(? as ${prop.columnTypes[0]!})`, [value])
      : mapOffset.call(this, prop, value, ...rest);
  };
}

/** A cursor comes from a client: what is no time must not get as far as the database. */
function isExact(value: unknown): boolean {
  const [, date, time] = EXACT.exec(typeof value === 'string' ? value : '') ?? [];
  const milliseconds = `${date}T${time}Z`;
  const parsed = new Date(milliseconds);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === milliseconds;
}

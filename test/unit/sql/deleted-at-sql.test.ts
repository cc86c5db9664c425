import { hasTimeZone, noteChanged, unitTextSql, unitTimeSql } from '../../../lib/sql/deleted-at-sql.js';
import type { UnitTime } from '../../../lib/sql/take-unit-time.js';

describe(hasTimeZone, () => {
  it.each([
    'timestamptz',
    'TIMESTAMPTZ',
    'timestamptz(6)',
    'timestamptz (6)',
    'timestamp with time zone',
    'timestamp(6) with time zone',
    'timestamp (6) with time zone',
  ])('finds one in %s', (type) => {
    expect(hasTimeZone(type)).toBe(true);
    expect(unitTimeSql('c.at', type)).toBe('c.at');
    expect(unitTextSql('c.at', type)).toMatch(/^to_char\(c\.at at time zone 'UTC', '.*'\) \|\| '\+00'$/);
  });

  it.each([
    'timestamp',
    'timestamp(6)',
    'timestamp without time zone',
    'timestamp (6) without time zone',
    'time with time zone',
    'date',
  ])('finds none in %s', (type) => {
    expect(hasTimeZone(type)).toBe(false);
    expect(unitTimeSql('c.at', type)).toBe("c.at at time zone 'UTC'");
    expect(unitTextSql('c.at', type)).toMatch(/^to_char\(c\.at, '.*'\) \|\| '\+00'$/);
  });
});

describe(noteChanged, () => {
  it('adds up the rows of an entity, and notes none where there are none', () => {
    const unit = { changed: new Map() } as unknown as UnitTime;
    const [users, orders] = [{}, {}] as never[] as [never, never];
    noteChanged(unit, users, 0);
    expect(unit.changed.size).toBe(0);
    noteChanged(unit, users, 2);
    noteChanged(unit, orders, 1);
    noteChanged(unit, users, 3);
    expect([...unit.changed]).toEqual([
      [users, 5],
      [orders, 1],
    ]);
  });
});

import { Type } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { expectedTime, showTime, writeTime } from '../../../lib/flush/write-time.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

/** Milliseconds in the entity. */
class Millis extends Type<number, string> {
  override convertToJSValue(value: string) {
    return Date.parse(value.replace(' ', 'T').replace(/\+00$/, 'Z'));
  }
  override convertToDatabaseValue(value: number) {
    return new Date(value).toISOString();
  }
  override getColumnType() {
    return 'timestamptz';
  }
  override compareAsType() {
    return 'number';
  }
}

const define = (name: string, deletedAt: any, more: object = {}, options: object = {}) =>
  softDeletable(
    defineEntity({
      name,
      properties: { id: p.integer().primary(), deletedAt: deletedAt.nullable(), ...more },
    }) as never,
    options as never,
  );
const Customer = define(
  'Customer',
  p.datetime().columnType('timestamptz'),
  { removedBy: p.text().nullable() },
  { deletedBy: 'removedBy' },
);
const Text = define('Text', p.string().columnType('timestamptz'));
const Counted = define('Counted', p.type(Millis as never));

describe('the time of deletion in a change set', () => {
  const orm = new MikroORM({
    dbName: 'none',
    entities: [Customer, Text, Counted] as never,
    extensions: [softDelete()],
  });
  const em = orm.em.fork() as any;
  const catalog = SoftDeleteCatalog.of(em);
  const entryOf = (name: string) => catalog.all().find((entry) => entry.name === name)!;
  const unit = (actor?: string) =>
    ({
      text: '2026-01-02 03:04:05.678901+00',
      date: new Date('2026-01-02T03:04:05.678Z'),
      actor,
      changed: new Map(),
    }) as any;
  const written = (name: string, actor?: string) => {
    const changeSet = { payload: {} as Record<string, any> };
    writeTime(em, entryOf(name), unit(actor), changeSet as never);
    return Object.fromEntries(
      Object.entries(changeSet.payload).map(([key, { sql, params }]) => [key, { sql, params }]),
    );
  };

  it('is about now before the database has said it, in the terms of the property', () => {
    const [before, after] = [Date.now(), Date.now() + 60_000];
    const times = ['Customer', 'Counted'].map((name) => expectedTime(em, entryOf(name)));
    expect(times.map((time) => (time instanceof Date ? 'date' : time))).toEqual([
      'date',
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    ]);
    for (const time of times.map((each) => new Date(each as string).getTime())) {
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThan(after);
    }
  });

  it('leaves a row that is deleted already as it is', () => {
    expect(written('Text')).toEqual({
      deletedAt: { sql: 'coalesce("deleted_at", cast(? as timestamptz))', params: [unit().text] },
    });
  });

  it('has the actor beside it where the entity keeps that, and null where nobody is known', () => {
    const { removedBy } = written('Customer', 'ada');
    expect(removedBy).toEqual({
      sql: 'case when "deleted_at" is null then cast(? as text) else "removed_by" end',
      params: ['ada'],
    });
    expect(written('Customer')['removedBy']!.params).toEqual([null]);
  });

  it('is shown to listeners as the update will write it', async () => {
    const payload = {};
    const removal = { entry: entryOf('Customer'), changeSet: { payload } };
    await showTime({ em, removals: [removal], unit: unit('ada') } as never, {} as never);
    expect(payload).toEqual({ deletedAt: unit().date, removedBy: 'ada' });
  });
});

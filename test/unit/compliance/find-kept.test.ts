import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { findKept } from '../../../lib/compliance/erasure/graph/find-kept.js';

const Invoice = defineEntity({
  name: 'Invoice',
  properties: { id: p.integer().primary(), paidAt: p.datetime().columnType('timestamptz').nullable() },
});

describe(findKept, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Invoice], extensions: [softDelete()] });
  const em = orm.em.fork();
  const keep = { table: em.getMetadata().get(Invoice), column: 'paid_at', interval: '10 years', ground: 'the law' };
  const UNIT = '2026-01-01 00:00:00+00';
  const UNTIL = '2036-01-01T00:00:00.000Z';
  const row = (key: string, unit?: string, declarations: object[] = [{ keep }]) => ({
    key: [key],
    unit,
    isLive: unit === undefined,
    declared: { declarations },
    kept: undefined,
  });
  const find = (rows: object[]) => findKept(em as never, {} as never, { declared: () => rows } as never);
  const kept = { ground: 'the law', until: new Date(UNTIL) };
  let statements: number;

  beforeEach(() => {
    statements = 0;
    orm.driver.execute = async (sql: unknown) => {
      statements++;
      // A database answers later.
      await sleep(5);
      const isOfArchive = String(sql).includes('deletion_archive');
      return (
        isOfArchive
          ? [{ key: '2', unit: UNIT, until: UNTIL }]
          : [
              { key: ['1'], until: UNTIL },
              { key: ['3'], until: null },
            ]
      ) as never;
    };
  });

  it('has marked what the law keeps, in the table as in the archive, when it is over', async () => {
    const rows = [row('1'), row('2', UNIT)];
    await find(rows);
    expect(rows.map((each) => each.kept)).toEqual([kept, kept]);
    expect(statements).toBe(2);
  });

  it('marks without an end what waits for its period to begin', async () => {
    const rows = [row('3')];
    await find(rows);
    expect(rows[0]!.kept).toEqual({ ground: 'the law', until: null });
  });

  it('marks no other row, nor another deletion of the same one', async () => {
    const rows = [row('2'), row('1', UNIT), row('2', '2026-02-02 00:00:00+00'), row('9')];
    await find(rows);
    expect(rows.map((each) => each.kept)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('asks for no rows that no law keeps', async () => {
    const rows = [row('1', undefined, [{}]), row('2', UNIT, [])];
    await find(rows);
    expect([statements, rows[0]!.kept]).toEqual([0, undefined]);
  });
});

import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { rewriteArchive } from '../../../support/change-archive.js';
import { useErasures } from './use-erasures.js';

const Person = personalData(
  defineEntity({ name: 'Person', properties: { id: p.integer().primary(), name: p.text().nullable() } }),
  { subject: true, fields: { name: null } },
);
const Bill = personalData(
  softDeletable(
    defineEntity({
      name: 'Bill',
      properties: {
        id: p.integer().primary(),
        person: () => p.manyToOne(Person).deleteRule('cascade'),
        paidAt: p.datetime().columnType('timestamptz').nullable(),
        shipTo: p.text().nullable(),
      },
    }),
    { strategy: 'archive' },
  ),
  { of: 'person', fields: { shipTo: null }, keep: { for: '10y', from: 'paidAt', ground: 'tax law' } },
);

describe(`${ErasureService.name} and archived rows that the law keeps`, () => {
  const test = useErasures([Person, Bill]);
  const bills = () => test.orm.em.fork().getRepository(Bill) as unknown as SoftDeleteRepository<any>;
  const archive = async (sql: string, ...ids: number[]) => {
    await test.rows(sql);
    await bills().softDelete(ids);
  };
  const erase = async () => {
    const { entities, ...rest } = await test.erasures.erase(Person.class as never, 1 as never);
    const { overwritten, kept, held } = entities.find(({ entity }) => entity === 'Bill')!;
    return { outcome: rest.outcome, overwritten, kept, held };
  };
  const archived = async () =>
    (
      await test.rows(`select data ->> 'ship_to' as text from deletion_archive order by (data ->> 'id')::int, unit`)
    ).map(({ text }) => text);

  beforeEach(() => test.rows(`insert into person values (1, 'Ada Lovelace'), (2, 'Bob Builder')`));

  it("keeps those whose time is not over or has not begun, says until when, and passes over other people's", async () => {
    await archive(
      `insert into bill values (1, 1, '2030-02-28T12:00:00Z', 'Mews 1'), (2, 1, null, 'Mews 2'),
         (3, 1, now() - interval '10 years 1 second', 'Mews 3'), (4, 2, '2030-02-28T12:00:00Z', 'Row 4')`,
      1,
      2,
      3,
      4,
    );
    expect(await erase()).toEqual({
      outcome: 'partial',
      overwritten: 1,
      kept: [
        { key: 1, ground: 'tax law', until: new Date('2040-02-28T12:00:00Z') },
        { key: 2, ground: 'tax law', until: null },
      ],
      held: [],
    });
    expect(await archived()).toEqual(['Mews 1', 'Mews 2', null, 'Row 4']);
  });

  it('tells units of one key apart, by the time that each of them has', async () => {
    await archive(`insert into bill values (1, 1, now() - interval '11 years', 'Old')`, 1);
    await archive(`insert into bill values (1, 1, now() - interval '1 year', 'Young')`, 1);
    expect(await erase()).toMatchObject({ outcome: 'partial', overwritten: 1, kept: [{ key: 1 }] });
    expect(await archived()).toEqual([null, 'Young']);
  });

  it('keeps a row of the table beside one of the archive', async () => {
    await archive(`insert into bill values (1, 1, now() - interval '11 years', 'Old')`, 1);
    await test.rows(`insert into bill values (1, 1, now(), 'Young')`);
    expect(await erase()).toMatchObject({ outcome: 'partial', overwritten: 1, kept: [{ key: 1 }] });
    expect([await archived(), await test.rows('select ship_to from bill')]).toEqual([[null], [{ ship_to: 'Young' }]]);
  });

  it('erases them in the first run after their time', async () => {
    await archive(`insert into bill values (1, 1, now() - interval '9 years 364 days', 'Mews 1')`, 1);
    expect(await erase()).toMatchObject({ outcome: 'partial', overwritten: 0 });
    await rewriteArchive(
      test.database,
      `jsonb_set(data, '{paid_at}', to_jsonb((now() - interval '10 years 1 second')::text)) as data`,
    );
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await archived()).toEqual([null]);
  });
});

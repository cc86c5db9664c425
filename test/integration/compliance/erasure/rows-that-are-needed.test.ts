import { defineEntity, p } from '@mikro-orm/postgresql';
import { NotFoundError } from '@mikro-orm/core';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { rewriteArchive } from '../../../support/change-archive.js';
import { useErasures } from './use-erasures.js';

const Person = personalData(
  softDeletable(
    defineEntity({ name: 'Person', properties: { id: p.integer().primary(), name: p.text().nullable() } }),
    { strategy: 'archive' },
  ),
  { subject: true, erase: 'row', fields: { name: null } },
);
const Order = personalData(
  softDeletable(
    defineEntity({
      name: 'Order',
      tableName: 'purchase',
      properties: { id: p.integer().primary(), person: () => p.manyToOne(Person).deleteRule('cascade') },
    }),
    { strategy: 'archive' },
  ),
  { of: 'person', erase: 'row' },
);
const Bill = personalData(
  softDeletable(
    defineEntity({
      name: 'Bill',
      properties: {
        id: p.integer().primary(),
        order: () => p.manyToOne(Order).deleteRule('cascade'),
        paidAt: p.datetime().columnType('timestamptz').nullable(),
        shipTo: p.text().nullable(),
      },
    }),
    { strategy: 'archive' },
  ),
  { of: 'order.person', fields: { shipTo: null }, keep: { for: '10y', from: 'paidAt', ground: 'tax law' } },
);
/** Of a person by a key that may be null; without fields. */
const Album = personalData(
  defineEntity({
    name: 'Album',
    properties: {
      id: p.integer().primary(),
      person: () => p.manyToOne(Person).nullable().deleteRule('set null'),
      title: p.text(),
    },
  }),
  { of: 'person', erase: 'row' },
);
/** Somebody else's, and must point at an album. */
const Comment = defineEntity({
  name: 'Comment',
  tableName: 'album_comment',
  properties: { id: p.integer().primary(), album: () => p.manyToOne(Album) },
});

describe(`${ErasureService.name} and rows without which nobody finds or restores others`, () => {
  const test = useErasures([Person, Order, Bill, Album, Comment]);
  const repo = (entity: object) =>
    test.orm.em.fork().getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const erase = () => test.erasures.erase(Person.class as never, 1 as never);
  const left = async () => ({
    persons: (await test.rows('select name from person')).length,
    archived: (await test.rows(`select part from deletion_archive order by part`)).map(({ part }) => part),
    shipTo: (await test.rows(`select data ->> 'ship_to' as text from deletion_archive where part = 'Bill'`))[0]?.text,
  });
  const endPeriod = () =>
    rewriteArchive(
      test.database,
      `case part when 'Bill' then data || jsonb_build_object('paid_at', (now() - interval '11 years')::text) else data end as data`,
    );
  const plant = (paid: string) =>
    test.rows(`
      insert into person values (1, 'Ada Lovelace');
      insert into purchase values (1, 1);
      insert into bill values (1, 1, ${paid}, 'Ockham Park 12')`);

  it.each([
    ['its table', () => repo(Bill).softDelete(1), { persons: 1, archived: ['Bill'] }],
    ['the archive', () => repo(Order).softDelete(1), { persons: 1, archived: ['Bill', 'Order'] }],
    [
      'the archive with the person',
      () => repo(Person).softDelete(1),
      { persons: 0, archived: ['Bill', 'Order', 'Person'] },
    ],
  ])(
    'leaves what an archived row that the law keeps needs in %s, until the period is over',
    async (_where, remove, there) => {
      await plant('now()');
      await remove();
      const certificate = await erase();
      expect(certificate).toMatchObject({ outcome: 'partial' });
      expect(certificate.entities.find(({ entity }) => entity === 'Order')).toMatchObject({
        deleted: 0,
        kept: [{ key: 1, ground: 'Bill 1 is kept (tax law)' }],
      });
      expect(await left()).toEqual({ ...there, shipTo: 'Ockham Park 12' });
      expect(await test.erasures.run()).toMatchObject([{ outcome: 'partial' }]);
      await endPeriod();
      expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
      expect(await left()).toEqual({ persons: 0, archived: ['Bill'], shipTo: null });
    },
  );

  it('restores what the law keeps', async () => {
    await plant('now()');
    await repo(Person).softDelete(1);
    await erase();
    expect((await repo(Person).restore(1)).affected).toEqual({ Bill: 1, Order: 1, Person: 1 });
  });

  it('leaves what a held archived row needs, until the hold is released', async () => {
    await plant(`now() - interval '11 years'`);
    await repo(Bill).softDelete(1);
    const { id } = await test.holds.place({ name: 'Dispute', reason: 'r', on: [[Bill as never, 1]] });
    expect(await erase()).toMatchObject({ outcome: 'partial' });
    expect(await left()).toEqual({ persons: 1, archived: ['Bill'], shipTo: 'Ockham Park 12' });
    await test.holds.release(id, { reason: 'settled' });
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await left()).toEqual({ persons: 0, archived: ['Bill'], shipTo: null });
  });

  it('erases what is in the archive of a person who has gone meanwhile', async () => {
    await plant(`now() - interval '11 years'`);
    await repo(Order).softDelete(1);
    await test.erasures.request(Person.class as never, 1 as never);
    await repo(Person).hardDelete(1);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await left()).toEqual({ persons: 0, archived: ['Bill'], shipTo: null });
    await expect(test.erasures.plan(Person.class as never, 1 as never)).rejects.toThrow(NotFoundError);
  });

  it('leaves the person of a row that another one keeps in place and that shows what it did', async () => {
    await test.rows(`
      insert into person values (1, 'Ada Lovelace');
      insert into album values (1, 1, 'Adas cats');
      insert into album_comment values (1, 1)`);
    expect(await erase()).toMatchObject({ outcome: 'partial' });
    expect(await test.erasures.run()).toMatchObject([
      {
        outcome: 'partial',
        entities: [
          { entity: 'Album', kept: [{ key: 1 }] },
          { entity: 'Person', deleted: 0 },
        ],
      },
    ]);
    await test.rows('delete from album_comment');
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await test.rows('select 1 from album union all select 1 from person')).toEqual([]);
  });
});

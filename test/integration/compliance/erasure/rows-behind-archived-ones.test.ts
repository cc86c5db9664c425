import { Cascade, defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, LegalHoldService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

const Owner = personalData(
  softDeletable(
    defineEntity({
      name: 'Owner',
      properties: { id: p.integer().primary(), name: p.text().nullable(), deletedAt: p.datetime().nullable() },
    }),
  ),
  { subject: true, fields: { name: null } },
);
const Album = softDeletable(
  defineEntity({
    name: 'Album',
    properties: {
      id: p.integer().primary(),
      photos: () => p.oneToMany(Photo).mappedBy('album').cascade(Cascade.ALL),
    },
  }),
  { strategy: 'archive' },
);
const Tag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary() } });
const Photo = personalData(
  softDeletable(
    defineEntity({
      name: 'Photo',
      properties: {
        id: p.integer().primary(),
        owner: () => p.manyToOne(Owner),
        album: () => p.manyToOne(Album),
        text: p.text(),
        tags: () => p.manyToMany(Tag),
        prints: () => p.oneToMany(Print).mappedBy('photo').cascade(Cascade.ALL),
      },
    }),
    { strategy: 'archive' },
  ),
  { of: 'owner', erase: 'row' },
);
/** Nobody speaks of prints and frames: they go with their photo. */
const Print = softDeletable(
  defineEntity({
    name: 'Print',
    properties: {
      id: p.integer().primary(),
      photo: () => p.manyToOne(Photo),
      frames: () => p.oneToMany(Frame).mappedBy('print').cascade(Cascade.ALL),
    },
  }),
  { strategy: 'archive' },
);
const Frame = defineEntity({
  name: 'Frame',
  properties: { id: p.integer().primary(), print: () => p.manyToOne(Print) },
});
/** Of two persons. */
const Letter = personalData(
  softDeletable(
    defineEntity({
      name: 'Letter',
      properties: {
        id: p.integer().primary(),
        sender: () => p.manyToOne(Owner),
        recipient: () => p.manyToOne(Owner),
        text: p.text().nullable(),
      },
    }),
    { strategy: 'archive' },
  ),
  { of: { sender: { text: null }, recipient: {} } },
);

describe('Rows behind archived ones', () => {
  const test = useErasures([Owner, Album, Tag, Photo, Print, Frame, Letter]);
  const repo = (entity: object) =>
    test.orm.em.fork().getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const archived = async () =>
    (await test.rows(`select part || ' ' || key as row from deletion_archive order by 1`)).map(({ row }) => row);
  const erase = () => test.erasures.erase(Owner.class as never, 1 as never);
  const deleted = (of: { entities: readonly { entity: string; deleted: number }[] }) =>
    Object.fromEntries(of.entities.flatMap(({ entity, deleted: n }) => (n > 0 ? [[entity, n]] : [])));

  beforeEach(() =>
    test.rows(`
      insert into owner (id, name) values (1, 'Ada Lovelace'), (2, 'Bob Babbage');
      insert into album values (1), (2);
      insert into tag values (1);
      insert into photo (id, owner_id, album_id, text) values (1, 1, 1, 'Ada'), (2, 1, 2, 'Ada again'), (3, 2, 1, 'Bob');
      insert into photo_tags (photo_id, tag_id) values (1, 1), (3, 1);
      insert into print (id, photo_id) values (1, 1), (2, 2), (3, 3);
      insert into frame (id, print_id) values (1, 1), (2, 2), (3, 3);
      insert into letter (id, sender_id, recipient_id, text) values (1, 1, 2, 'Dear Bob, you owe me')`),
  );

  describe(`and ${ErasureService.name}`, () => {
    it('go with the archived row that took them along, with its links, and nothing of others', async () => {
      await repo(Photo).softDelete([1, 3]);
      const plan = await test.erasures.plan(Owner.class as never, 1 as never);
      const certificate = await erase();
      expect(deleted(certificate)).toEqual({ Frame: 2, Photo: 2, Print: 2 });
      expect(deleted(plan)).toEqual(deleted(certificate));
      expect(certificate.outcome).toBe('completed');
      expect(await archived()).toEqual(['Frame 3', 'Photo 3', 'Print 3', 'photo_tags ["3","1"]']);
      expect(await test.log.of(Print as never, 1)).toMatchObject([{ action: 'erased' }, { action: 'archived' }]);
    });

    it('go with a row in its table, or in another unit, where they were archived before', async () => {
      await repo(Print).softDelete([1, 2, 3]);
      await repo(Photo).softDelete(2);
      expect(deleted(await erase())).toEqual({ Frame: 2, Photo: 2, Print: 2 });
      expect(await archived()).toEqual(['Frame 3', 'Print 3']);
    });

    it('stay where they are held, one by one', async () => {
      await repo(Photo).softDelete([1, 2]);
      const { id } = await test.holds.place({ name: 'Dispute', reason: 'r', on: [[Print as never, 1]] });
      await erase();
      expect(await archived()).toContain('Print 1');
      expect(await archived()).not.toContain('Print 2');
      await test.holds.release(id, { reason: 'settled' });
    });
  });

  describe(`and ${LegalHoldService.name}`, () => {
    const place = (entity: object, key: number) =>
      test.holds.place({ name: 'Dispute', reason: 'r', on: [[entity as never, key]] });
    const names = async (entity: object, key: number) =>
      (await test.holds.of(entity as never, key)).map(({ name }) => name);

    it.each([
      ['in its table', () => repo(Photo).softDelete([1, 2])],
      ['archived with them', () => repo(Album).softDelete([1, 2])],
    ])('are held by what they lie behind, %s', async (_where, remove) => {
      await remove();
      const { id } = await place(Album, 1);
      expect([await names(Photo, 1), await names(Print, 1), await names(Photo, 2)]).toEqual([
        ['Dispute'],
        ['Dispute'],
        [],
      ]);
      const certificate = await erase();
      expect(certificate.outcome).toBe('partial');
      expect(certificate.entities.find(({ entity }) => entity === 'Photo')).toMatchObject({
        deleted: 1,
        held: [{ key: 1, hold: 'Dispute' }],
      });
      expect(await archived()).toEqual(expect.arrayContaining(['Frame 1', 'Photo 1', 'Print 1']));
      expect(await archived()).not.toContain('Photo 2');
      await test.holds.release(id, { reason: 'settled' });
      expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
      expect((await archived()).filter((row) => /Photo [12]|Print [12]|Frame [12]/.test(row))).toEqual([]);
    });

    it('are held by the other person that they belong to', async () => {
      await repo(Letter).softDelete(1);
      const { id } = await place(Owner, 2);
      expect(await erase()).toMatchObject({ outcome: 'partial' });
      const text = () => test.rows(`select data ->> 'text' as text from deletion_archive where part = 'Letter'`);
      expect(await text()).toEqual([{ text: 'Dear Bob, you owe me' }]);
      await test.holds.release(id, { reason: 'settled' });
      expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed' }]);
      expect(await text()).toEqual([{ text: null }]);
    });
  });
});

import { Cascade, Collection, type Rel, wrap } from '@mikro-orm/core';
import { Embeddable, Embedded, Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Embeddable()
class Place {
  @Property({ type: 'text', nullable: true })
  row?: string | null;
}

@SoftDeletable<Shelf>({ relations: { things: 'cascade' } })
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @OneToMany(() => Thing, (thing) => thing.shelf, { cascade: [Cascade.PERSIST], orphanRemoval: true })
  things = new Collection<Thing>(this);
}

@SoftDeletable()
@Entity()
class Thing extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'json', nullable: true })
  data?: any;

  @Property({ type: 'bigint', nullable: true })
  size?: bigint | null;

  @Embedded(() => Place, { nullable: true })
  place?: Place | null;

  @Embedded(() => Place, { object: true, nullable: true })
  spot?: Place | null;

  @Property({ type: 'integer', version: true })
  version!: number;
}

const thingOf = (shelf: Shelf) => shelf.things.getItems().find(({ id }) => id === 1)!;

/** How the first thing is removed; rows that nobody named are changed like any others, and MikroORM keeps what it has written in memory. */
const REMOVALS: Record<string, { mayBeChanged: boolean; remove: (em: EntityManager) => Promise<void> }> = {
  'an orphan of a loaded collection': {
    mayBeChanged: true,
    remove: async (em) => {
      const shelf = await em.findOneOrFail(Shelf, 1, { populate: ['things'] });
      shelf.things.remove(thingOf(shelf));
    },
  },
  'all of a loaded collection': {
    mayBeChanged: true,
    remove: async (em) => (await em.findOneOrFail(Shelf, 1, { populate: ['things'] })).things.removeAll(),
  },
  'the entity': {
    mayBeChanged: true,
    remove: async (em) => void em.remove(await em.findOneOrFail(Thing, 1)),
  },
  'all of an unloaded collection': {
    mayBeChanged: false,
    remove: async (em) => (await em.findOneOrFail(Shelf, 1)).things.removeAll(),
  },
  'what it belongs to': {
    mayBeChanged: false,
    remove: async (em) => void em.remove(await em.findOneOrFail(Shelf, 1, { populate: ['things'] })),
  },
  'what it belongs to, unloaded': {
    mayBeChanged: false,
    remove: async (em) => void em.remove(await em.findOneOrFail(Shelf, 1)),
  },
};

const CHANGES: Record<string, (thing: Thing) => void> = {
  nothing: () => undefined,
  'a text': (thing) => (thing.name = 'unsaved'),
  'a json value': (thing) => (thing.data = { unsaved: true }),
  'part of a json value': (thing) => thing.data.list.push('unsaved'),
  'a bigint': (thing) => (thing.size = 9n),
  'an embedded value': (thing) => (thing.place!.row = 'unsaved'),
  'an embedded object': (thing) => (thing.spot = Object.assign(new Place(), { row: 'unsaved' })),
};

const CASES = Object.entries(REMOVALS).flatMap(([removal, { mayBeChanged }]) =>
  Object.keys(CHANGES)
    .slice(0, mayBeChanged ? undefined : 1)
    .flatMap((change) => ['outside', 'inside'].map((place) => ({ removal, change, place }))),
);

describe('unsaved changes of what is removed in a transaction that does not last', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Thing]);
  });
  afterAll(() => test.close());

  beforeEach(() =>
    test.database.query(`
      truncate shelf, thing;
      insert into shelf (id) values (1);
      insert into thing (id, shelf_id, name, data, size, place_row, spot, version) values
        (1, 1, 'one', '{"list": ["a"]}', 5, 'r', '{"row": "s"}', 1), (2, 1, 'two', '{"list": []}', 6, 'r', null, 1)`),
  );

  const rows = () =>
    test.database.query(
      'select id, shelf_id, name, data, size, place_row, spot, version, deleted_at from thing order by id',
    );
  const values = (thing: Thing) => structuredClone({ ...(wrap(thing).toObject() as any), shelf: thing.shelf?.id });

  const fresh = (em = test.orm.em.fork() as EntityManager) =>
    em.findOneOrFail(Thing, 1, { populate: ['shelf'], filters: { softDelete: false } });

  it.each(CASES)(
    'are unsaved as before, or the entity has the values of its row: $change, removing $removal, loaded $place',
    async ({ removal, change, place }) => {
      const before = await rows();
      const em = test.orm.em.fork() as EntityManager;
      let thing = place === 'outside' ? await fresh(em) : undefined;
      let changed = thing;
      const failure = new Error('rolled back');
      await expect(
        em.transactional(async (tx) => {
          thing ??= await fresh(tx as EntityManager);
          CHANGES[change]!(thing);
          changed = values(thing);
          await REMOVALS[removal]!.remove(tx as EntityManager);
          await tx.flush();
          throw failure;
        }),
      ).rejects.toBe(failure);
      await expect(rows()).resolves.toEqual(before);

      const saved = values(await fresh());
      const held = values(thing!);
      const isAsChanged = JSON.stringify(held, text) === JSON.stringify(changed, text);
      expect(isAsChanged ? saved : held).toEqual(saved);
      test.statements.length = 0;
      await em.flush();
      const writes = test.statements.filter((sql) => /^(insert|update|delete)/i.test(sql));
      if (isAsChanged && change !== 'nothing' && place === 'outside') {
        expect(writes).toHaveLength(1);
        expect({ ...values(await fresh()), version: 1 }).toEqual(changed);
      } else {
        expect(writes).toEqual([]);
        await expect(rows()).resolves.toEqual(before);
      }
    },
  );

  it.each(['outside', 'inside'])(
    'are no part of an orphan that is removed, loaded %s, which keeps its foreign key',
    async (place) => {
      const em = test.orm.em.fork() as EntityManager;
      let thing = place === 'outside' ? await fresh(em) : undefined;
      await em.transactional(async (tx) => {
        thing ??= await fresh(tx as EntityManager);
        CHANGES['a text']!(thing);
        await REMOVALS['an orphan of a loaded collection']!.remove(tx as EntityManager);
      });
      const after = await rows();
      expect(after).toMatchObject([
        { id: 1, shelf_id: 1, name: 'one', version: 2, deleted_at: expect.any(Date) },
        { id: 2, shelf_id: 1, version: 1, deleted_at: null },
      ]);
      expect(values(thing!)).toEqual(values(await fresh()));
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
      await expect(rows()).resolves.toEqual(after);
    },
  );
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

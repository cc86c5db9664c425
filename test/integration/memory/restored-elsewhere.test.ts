import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Room>({ relations: { seats: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
class Room extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @OneToMany(() => Seat, (seat) => seat.room)
  seats = new Collection<Seat>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Seat extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Room)
  room!: Rel<Room>;
}

describe.each([false, true])('what somebody else has restored, with forceUndefined: %s', (forceUndefined) => {
  let test: TestOrm;
  let em: EntityManager;
  const none = forceUndefined ? undefined : null;

  beforeAll(async () => {
    test = await createTestOrm([Room, Seat], { forceUndefined });
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`
      truncate room, seat;
      insert into room (id, name, deleted_at) values (1, 'one', '2020-01-01'), (2, 'two', null);
      insert into seat (id, room_id, deleted_at) values (1, 1, '2020-01-01'), (2, 1, '2020-01-01')`);
    em = test.orm.em.fork() as EntityManager;
  });

  const restoreElsewhere = () =>
    (test.orm.em.fork().getRepository(Room) as unknown as SoftDeleteRepository<Room>).restore(1);
  const writesNothing = async () => {
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    expect(await test.database.query('select id from room where deleted_at is null order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
  };
  const every = { filters: { softDelete: false } };

  const READS: Record<string, (room: Room) => Promise<Room | null | undefined>> = {
    'findOne by key': () => em.findOne(Room, 1),
    'findOne by a condition': () => em.findOne(Room, { name: 'one' }),
    find: async () => (await em.find(Room, { name: 'one' }))[0],
    'find populated select-in': async () =>
      (await em.find(Room, { name: 'one' }, { populate: ['seats'], strategy: 'select-in' }))[0],
    'find populated joined': async () =>
      (await em.find(Room, { name: 'one' }, { populate: ['seats'], strategy: 'joined' }))[0],
    'populate through another entity': async () =>
      (await em.findOneOrFail(Seat, 1, { populate: ['room'], strategy: 'joined' })).room,
    refresh: async (room) => await em.refresh(room),
    'the query builder': async () =>
      (await em.getRepository(Room).createQueryBuilder('r').where({ name: 'one' }).getResultList())[0],
  };

  it.each(Object.keys(READS))('is told to the entity by a read: %s', async (read) => {
    const room = await em.findOneOrFail(Room, 1, every);
    expect(room.deletedAt).toBeInstanceOf(Date);
    await restoreElsewhere();
    expect(await READS[read]!(room)).toBe(room);
    expect(room.deletedAt).toBe(none);
    await writesNothing();
  });

  it.each(Object.keys(READS))('is told to an entity that was deleted here: %s', async (read) => {
    await restoreElsewhere();
    const room = await em.findOneOrFail(Room, 1, { populate: ['seats'] });
    em.remove(room);
    await em.flush();
    expect(room.deletedAt).toBeInstanceOf(Date);
    await restoreElsewhere();
    expect(await READS[read]!(room)).toBe(room);
    expect(room.deletedAt).toBe(none);
    await writesNothing();
  });

  it('can be deleted again, and changed', async () => {
    const room = await em.findOneOrFail(Room, 1, every);
    await restoreElsewhere();
    await em.findOneOrFail(Room, 1);
    room.name = 'changed';
    await em.flush();
    expect(await test.database.query('select name, deleted_at from room where id = 1')).toEqual([
      { name: 'changed', deleted_at: null },
    ]);
    em.remove(room);
    await em.flush();
    expect(await test.database.query('select id from seat where deleted_at is null')).toEqual([]);
    expect(room.deletedAt).toBeInstanceOf(Date);
  });

  it('is left alone by a change of an entity that has not been read again', async () => {
    const room = await em.findOneOrFail(Room, 1, every);
    await restoreElsewhere();
    room.name = 'changed';
    await em.flush();
    expect(await test.database.query('select name, deleted_at from room where id = 1')).toEqual([
      { name: 'changed', deleted_at: null },
    ]);
  });
});

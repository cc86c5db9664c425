import { Entity, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Rel } from '@mikro-orm/core';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Member {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity()
class Desk extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne({ entity: () => Member, nullable: true })
  member?: Rel<Member> | null;

  @ActiveUnique()
  @Property({ type: 'string', nullable: true })
  label?: string | null;
}

describe('a value that is unique among active rows', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Member, Desk]);
    await test.database.query('insert into member values (1)');
  });

  beforeEach(async () => {
    await test.database.query('truncate desk');
    await test.database.query(`insert into desk (id, member_id, label) values (1, 1, 'window')`);
  });

  afterAll(() => test.close());

  const desks = () =>
    test.database.query('select id, member_id, label, deleted_at is not null as deleted from desk order by id');

  it('goes from one row to another in one flush', async () => {
    const em = test.orm.em.fork();
    const desk = await em.findOneOrFail(Desk, 1);
    desk.member = null;
    desk.label = null;
    em.create(Desk, { id: 2, member: 1, label: 'window' });
    await em.flush();
    expect(await desks()).toEqual([
      { id: 1, member_id: null, label: null, deleted: false },
      { id: 2, member_id: 1, label: 'window', deleted: false },
    ]);
  });

  it('goes from a row that is deleted to one that is created, in one flush', async () => {
    const em = test.orm.em.fork();
    em.remove(await em.findOneOrFail(Desk, 1));
    em.create(Desk, { id: 2, member: 1, label: 'window' });
    await em.flush();
    expect(await desks()).toEqual([
      { id: 1, member_id: 1, label: 'window', deleted: true },
      { id: 2, member_id: 1, label: 'window', deleted: false },
    ]);
  });
});

import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, PrimaryKey } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Member {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToMany({ entity: () => Club, pivotEntity: () => Membership })
  clubs = new Collection<Club>(this);
}

@Entity()
class Club {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity()
class Membership {
  @ManyToOne({ entity: () => Member, primary: true })
  member!: Rel<Member>;

  @ManyToOne({ entity: () => Club, primary: true })
  club!: Rel<Club>;
}

/** Nothing else is marked. */
@SoftDeletable({ strategy: 'archive' })
@Entity()
class Visit {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Membership, deleteRule: 'cascade' })
  membership!: Rel<Membership>;
}

describe('Archived entities behind links, where no other entity is marked', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Member, Club, Membership, Visit, ...complianceEntities()]);
  });
  beforeEach(() =>
    test.database.query(`
      truncate member, club cascade;
      insert into member values (1); insert into club values (1), (2);
      insert into membership (member_id, club_id) values (1, 1), (1, 2);
      insert into visit (id, membership_member_id, membership_club_id) values (1, 1, 1)`),
  );
  afterAll(() => test.close());

  it.each<[string, (member: Member, em: EntityManager) => Promise<unknown> | void]>([
    [
      'removed from a collection',
      async ({ clubs }) => clubs.remove((await clubs.loadItems()).find(({ id }) => id === 1)!),
    ],
    ['replaced without being loaded', ({ clubs }, em) => clubs.set([em.getReference(Club, 2)])],
    ['removed with all others', ({ clubs }) => clubs.removeAll()],
  ])('keep the links that are %s', async (_what, change) => {
    const em = test.orm.em.fork() as EntityManager;
    await change(await em.findOneOrFail(Member, 1), em);
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await test.database.query('select id from visit')).toEqual([{ id: 1 }]);
    expect(await test.database.query('select club_id from membership')).toHaveLength(2);
  });

  it('let other links go', async () => {
    const em = test.orm.em.fork();
    const member = await em.findOneOrFail(Member, 1, { populate: ['clubs'] });
    member.clubs.remove(em.getReference(Club, 2));
    await em.flush();
    expect(await test.database.query('select club_id from membership')).toEqual([{ club_id: 1 }]);
  });
});

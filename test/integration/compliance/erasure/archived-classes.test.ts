import { NotFoundError } from '@mikro-orm/core';
import { Entity, Enum, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

@PersonalData<Person>({ subject: true, fields: { name: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({
  tableName: 'person',
  discriminatorColumn: 'kind',
  discriminatorMap: { person: 'Person', artist: 'Artist', clerk: 'Clerk' },
})
class Person {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Enum({ items: ['person', 'artist', 'clerk'], type: 'string' })
  kind!: string;

  @Property({ type: 'string', nullable: true })
  name?: string | null;
}

@PersonalData<Artist>({ fields: {}, keep: { for: '10y', from: 'signedAt', ground: 'fame' } })
@Entity()
class Artist extends Person {
  @Property({ type: 'datetime', nullable: true })
  signedAt?: Date | null;
}

@PersonalData<Clerk>({ fields: {}, erase: 'row' })
@Entity()
class Clerk extends Person {}

@PersonalData<User>({ subject: true, fields: { login: '-' } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'user_account', inheritance: 'tpt' })
class User {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  login!: string;
}

@PersonalData<Admin>({ fields: { phone: null }, erase: 'row' })
@Entity({ tableName: 'admin_account' })
class Admin extends User {
  @Property({ type: 'string', nullable: true })
  phone?: string | null;
}

describe(`${ErasureService.name} and classes of a hierarchy`, () => {
  const test = useErasures([Person, Artist, Clerk, User, Admin]);

  beforeEach(() =>
    test.rows(`
      insert into person (kind, name) values ('person', 'Ada'), ('artist', 'Bob'), ('clerk', 'Cy');
      insert into user_account (id, login) values (1, 'ada@example.org'), (2, 'bob@example.org');
      insert into admin_account (id, phone) values (2, '+44 20 7946 0958')`),
  );

  describe.each([
    ['in their tables', async () => {}],
    [
      'in the archive',
      async () => {
        await test.repo(Person).softDelete([1, 2, 3]);
        await test.repo(User).softDelete([1, 2]);
      },
    ],
  ])('%s', (_where, remove) => {
    beforeEach(remove);

    it.each([
      ['single-table', Person, 1, { deleted: 0, overwritten: 1, kept: [] }],
      ['single-table', Person, 2, { deleted: 0, overwritten: 0, kept: [{ key: 2, ground: 'fame' }] }],
      ['single-table', Person, 3, { deleted: 1, overwritten: 0, kept: [] }],
      ['table-per-type', User, 1, { deleted: 0, overwritten: 1, kept: [] }],
      ['table-per-type', User, 2, { deleted: 1, overwritten: 0, kept: [] }],
    ] as const)('does what their own class says, %s: %p %d', async (_inheritance, entity, key, done) => {
      const plan = await test.erasures.plan(entity as typeof Person, key);
      expect(plan.entities).toMatchObject([done]);
      expect((await test.erasures.erase(entity as typeof Person, key)).entities).toMatchObject([done]);
    });

    it('knows nobody of another class', async () => {
      await expect(test.erasures.erase(Artist, 1)).rejects.toThrow(NotFoundError);
      await expect(test.erasures.plan(Admin, 1)).rejects.toThrow(NotFoundError);
      expect(await test.rows('select 1 from erasure')).toEqual([]);
    });
  });
});

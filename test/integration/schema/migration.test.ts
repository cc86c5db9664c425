import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Entity, OneToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, type Rel } from '@mikro-orm/postgresql';
import { ActiveUnique, activeView, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { indexesOf } from './table-objects.js';

/** The schema before soft deletion, and after. */
function before() {
  @Entity()
  class User {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Unique()
    @Property({ type: 'string' })
    email!: string;
  }

  @Entity()
  class Profile {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @OneToOne(() => User)
    user!: Rel<User>;
  }
  return [User, Profile];
}

function after() {
  @SoftDeletable({ guard: true })
  @Entity()
  class User extends SoftDeletableEntity {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @ActiveUnique()
    @Property({ type: 'string' })
    email!: string;
  }

  @SoftDeletable()
  @Entity()
  class Profile extends SoftDeletableEntity {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @OneToOne(() => User)
    user!: Rel<User>;
  }
  return [User, Profile, activeView(User)];
}

describe('a migration', () => {
  let database: TestDatabase;
  let path: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    path = await mkdtemp(join(tmpdir(), 'soft-delete-migrations-'));
  });

  afterAll(async () => {
    await rm(path, { recursive: true, force: true });
    await database.drop();
  });

  async function migrate(entities: any[]): Promise<{ up: string[]; down: string[] }> {
    const orm = await MikroORM.init({
      clientUrl: database.url,
      entities,
      extensions: [Migrator],
      migrations: { path, snapshot: false, emit: 'js' },
    });
    try {
      const { diff } = await orm.migrator.create();
      await database.query(diff.up.join('\n'));
      expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
      return diff;
    } finally {
      await orm.close(true);
    }
  }

  it('turns plain unique constraints on a table with rows into unique indexes over active rows, and back', async () => {
    await migrate(before());
    await database.query(`insert into "user" (id, email) values (1, 'ada@x'), (2, 'bob@x')`);
    await database.query('insert into profile (id, user_id) values (1, 1)');
    await expect(database.query(`insert into "user" (id, email) values (3, 'ada@x')`)).rejects.toThrow(
      'user_email_unique',
    );

    const { down } = await migrate(after());

    expect(await indexesOf(database, '"user"')).toEqual({
      user_deleted_at_id_index:
        'INDEX user_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      user_email_unique: 'UNIQUE INDEX user_email_unique on btree (email) WHERE (deleted_at IS NULL)',
    });
    expect(await database.query('select id from "user" order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    await expect(database.query(`insert into "user" (id, email) values (3, 'ada@x')`)).rejects.toThrow(
      'user_email_unique',
    );
    await database.query(`update "user" set deleted_at = now() where id = 1; update profile set deleted_at = now()`);
    await database.query(`insert into "user" (id, email) values (3, 'ada@x')`);
    await database.query('insert into profile (id, user_id) values (2, 1)');
    await expect(database.query('insert into profile (id, user_id) values (3, 1)')).rejects.toThrow(
      'profile_user_id_unique',
    );
    await expect(database.query('delete from "user" where id = 2')).rejects.toThrow('soft-deleted');
    expect(await database.query('select id from active_user order by id')).toEqual([{ id: 2 }, { id: 3 }]);

    await database.query('delete from profile where id = 2');
    await database.query(`update "user" set email = 'new@x' where id = 3`);
    await database.query(down.join('\n'));
    expect(await indexesOf(database, '"user"')).toEqual({
      user_email_unique: 'UNIQUE INDEX user_email_unique on btree (email)',
    });
    await database.query('delete from "user" where id = 2');
    expect(await database.query(`select 1 from pg_trigger where tgname = 'soft_delete_guard'`)).toEqual([]);
  });
});

import { Collection, defineEntity, MikroORM, p, type Opt, type Rel } from '@mikro-orm/postgresql';
import {
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  Property,
  ReflectMetadataProvider,
} from '@mikro-orm/decorators/legacy';
import {
  ActiveIndex,
  activeView,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import pg from 'pg';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Team extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property()
  name!: string;
}

@Embeddable()
class Place {
  @Property({ type: 'string', nullable: true })
  street?: string;
}

@Embeddable()
class Address {
  @Property({ type: 'string', nullable: true })
  city?: string;

  @Embedded(() => Place)
  place = new Place();

  @Embedded(() => Place, { object: true, nullable: true })
  former?: Place;

  @Embedded(() => Place, { array: true, nullable: true })
  others?: Place[];
}

@Entity()
class Tag {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

abstract class Base extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity({ tableName: 'people' })
class Person extends Base {
  @ActiveIndex()
  @Property({ type: 'string', fieldName: 'mail' })
  email!: string;

  @Property()
  age!: number;

  @ManyToOne(() => Team)
  team!: Rel<Team>;

  @OneToMany(() => Post, (post) => post.author)
  posts = new Collection<Post>(this);

  @ManyToMany(() => Tag)
  tags = new Collection<Tag>(this);

  @Embedded(() => Address)
  address = new Address();

  @Embedded(() => Address, { object: true, nullable: true })
  second?: Address;

  @Property({ type: 'json', nullable: true })
  settings?: { theme: string };

  @Property({ version: true, type: 'number' })
  version: number & Opt = 1;
}

@SoftDeletable()
@Entity()
class Post extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person)
  author!: Rel<Person>;
}

@SoftDeletable({ property: 'removedAt' })
@Entity({ schema: 'zoo', discriminatorColumn: 'kind', abstract: true })
abstract class Animal {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'timestamptz', nullable: true })
  removedAt?: Date;
}

@Entity({ discriminatorValue: 'cat' })
class Cat extends Animal {
  @Property({ type: 'number', nullable: true })
  lives?: number;
}

@Entity({ discriminatorValue: 'dog' })
class Dog extends Animal {}

@SoftDeletable()
@Entity({ inheritance: 'tpt' })
class Document extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'string' })
  title!: string;
}

@Entity()
class Contract extends Document {
  @Property({ type: 'string' })
  party!: string;
}

const NoteSchema = softDeletable(
  defineEntity({
    name: 'Note',
    extends: SoftDeletableEntity,
    properties: { id: p.integer().primary(), text: p.string(), about: () => p.manyToOne(Person).nullable() },
  }),
);

const ActivePerson = activeView(Person);
const Cats = activeView(Cat, { name: 'live_cats' });
const ActiveAnimal = activeView(Animal);
const ActiveContract = activeView(Contract);
const ActiveNote = activeView(NoteSchema);
const ENTITIES = [Team, Place, Address, Tag, Person, Post, Animal, Cat, Dog, Document, Contract, NoteSchema];
const VIEWS = [ActivePerson, Cats, ActiveAnimal, ActiveContract, ActiveNote];

describe('activeView()', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([...ENTITIES, ...VIEWS], { metadataProvider: ReflectMetadataProvider });
    await test.database.query(`insert into team (id, name, deleted_at) values (1, 'old', now())`);
    await test.database.query(
      `insert into people (id, mail, age, team_id, address_city, address_place_street, address_former, address_others, second, settings, deleted_at) values
         (1, 'ada@x', 36, 1, 'London', 'Mews 2', '{"street":"Quay 1"}', '[{"street":"Row 3"}]', '{"city":"Bath"}', '{"theme":"dark"}', null),
         (2, 'bob@x', 40, 1, null, null, null, null, null, null, now())`,
    );
    await test.database.query(`insert into post (id, author_id, deleted_at) values (1, 1, null), (2, 1, now())`);
    await test.database.query(
      `insert into zoo.animal (id, kind, lives, removed_at) values (1, 'cat', 9, null), (2, 'cat', 0, now()), (3, 'dog', null, null)`,
    );
    const id = (digit: number) => `'00000000-0000-0000-0000-00000000000${digit}'`;
    await test.database.query(
      `insert into document (id, title, deleted_at) values (${id(1)}, 'a', null), (${id(2)}, 'b', now())`,
    );
    await test.database.query(`insert into contract (id, party) values (${id(1)}, 'we'), (${id(2)}, 'they')`);
    await test.database.query(
      `insert into note (id, text, about_id, deleted_at) values (1, 'x', 2, null), (2, 'y', 2, now())`,
    );
  });

  afterAll(() => test.close());

  it('is a view with the columns of the table and its active rows', async () => {
    expect(await test.database.query('select * from active_people')).toEqual([
      {
        id: 1,
        mail: 'ada@x',
        age: 36,
        team_id: 1,
        address_city: 'London',
        address_place_street: 'Mews 2',
        address_former: { street: 'Quay 1' },
        address_others: [{ street: 'Row 3' }],
        second: { city: 'Bath' },
        settings: { theme: 'dark' },
        version: 1,
        deleted_at: null,
      },
    ]);
    expect(
      await test.database.query(
        `select tablename from pg_tables where schemaname in ('public', 'zoo') and tablename ~ 'active|cats'`,
      ),
    ).toEqual([]);
    expect(await test.database.query('select * from zoo.live_cats')).toEqual([
      { id: 1, kind: 'cat', lives: 9, removed_at: null },
    ]);
    expect(await test.database.query('select id from zoo.active_animal order by id')).toEqual([{ id: 1 }, { id: 3 }]);
    expect(await test.database.query('select title, party from active_contract')).toEqual([
      { title: 'a', party: 'we' },
    ]);
    expect(await test.database.query('select id, text, about_id from active_note')).toEqual([
      { id: 1, text: 'x', about_id: 2 },
    ]);
  });

  it('is an entity whose relations work, also to deleted rows', async () => {
    const [person] = await test.orm.em
      .fork()
      .find(ActivePerson, { team: { name: 'old' } }, { populate: ['team', 'posts'] });
    expect(person).toMatchObject({
      email: 'ada@x',
      team: { id: 1, name: 'old' },
      address: { city: 'London' },
      settings: { theme: 'dark' },
    });
    expect(person!.posts.getItems().map(({ id }) => id)).toEqual([1]);
    expect(await test.orm.em.fork().count(ActivePerson)).toBe(1);
    const [note] = await test.orm.em.fork().find(ActiveNote, {}, { populate: ['about'], strategy: 'select-in' });
    expect(note!.about!.email).toBe('bob@x');
  });

  it('shows active rows only to a role that has no rights but on the view, and lets it change none', async () => {
    const role = `analyst_${test.database.name}`;
    await test.database.query(`create role ${role} login password 'secret'`);
    await test.database.query(`grant all on active_people, active_contract to ${role}`);
    const url = new URL(test.database.url);
    url.username = role;
    url.password = 'secret';
    const analyst = new pg.Client(url.href);
    await analyst.connect();
    try {
      expect((await analyst.query('select mail from active_people')).rows).toEqual([{ mail: 'ada@x' }]);
      await expect(analyst.query('select mail from people')).rejects.toThrow('permission denied');
      await expect(analyst.query('delete from active_people')).rejects.toThrow('cannot delete from view');
      await expect(analyst.query('update active_people set deleted_at = now()')).rejects.toThrow('cannot update view');
      await expect(analyst.query('insert into active_people (id) values (3)')).rejects.toThrow('cannot insert into');

      // A function of the reader's own may run before the view's condition, unless there is a barrier.
      await analyst.query(
        `create function pg_temp.tell(party text) returns boolean language plpgsql as
         $$ begin if party = 'they' then raise exception 'they are deleted'; end if; return true; end $$`,
      );
      await analyst.query('set enable_nestloop = off; set enable_mergejoin = off');
      const curious = () => analyst.query('select party from active_contract where pg_temp.tell(party)');
      await expect(curious()).rejects.toThrow('they are deleted');
      await test.database.query('alter view active_contract set (security_barrier)');
      expect((await curious()).rows).toEqual([{ party: 'we' }]);
      expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
    } finally {
      await test.database.query('alter view active_contract reset (security_barrier)');
      await analyst.end();
      await test.database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('leaves nothing to do for a second run of the schema generator', async () => {
    expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });

  it('follows columns that are added, renamed, changed and dropped, and goes with its table', async () => {
    @SoftDeletable()
    @Entity({ tableName: 'people' })
    class Before extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @Property({ type: 'string', fieldName: 'mail' })
      email!: string;
    }

    @SoftDeletable()
    @Entity({ tableName: 'people' })
    class Retyped extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @Property({ type: 'text', fieldName: 'mail' })
      email!: string;
    }

    @SoftDeletable()
    @Entity({ tableName: 'people' })
    class Changed extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @Property({ type: 'text', fieldName: 'address' })
      email!: string;

      @Property({ type: 'string', nullable: true })
      nickname?: string;
    }
    const update = async (entities: any[]) => {
      const orm = await MikroORM.init({
        clientUrl: test.database.url,
        entities,
        metadataProvider: ReflectMetadataProvider,
      });
      try {
        await orm.schema.update();
        expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
      } finally {
        await orm.close(true);
      }
    };
    await update([Before, activeView(Before, { name: 'active_people' })]);
    await update([Retyped, activeView(Retyped, { name: 'active_people' })]);
    await test.database.query(`insert into people (id, mail) values (7777, 'kept')`);
    await update([Changed, activeView(Changed, { name: 'active_people' })]);
    expect(
      await test.database.query(
        `select column_name as name, data_type as type from information_schema.columns where table_name = 'active_people' order by 1`,
      ),
    ).toEqual([
      { name: 'address', type: 'text' },
      { name: 'deleted_at', type: 'timestamp with time zone' },
      { name: 'id', type: 'integer' },
      { name: 'nickname', type: 'character varying' },
    ]);
    expect(await test.database.query('select address from active_people where id = 7777')).toEqual([
      { address: 'kept' },
    ]);
    await update([Tag]);
    expect(await test.database.query(`select viewname from pg_views where schemaname in ('public', 'zoo')`)).toEqual(
      [],
    );
  });

  it('refuses an entity that is not soft-deletable', async () => {
    const orm = MikroORM.init({ dbName: 'none', entities: [Tag, activeView(Tag)] });
    await expect(orm).rejects.toThrow(SoftDeleteConfigError);
    await expect(orm).rejects.toThrow('activeView(Tag)');
  });
});

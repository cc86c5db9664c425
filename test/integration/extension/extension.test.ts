import { MikroORM as CoreOrm, type EventSubscriber, type FlushEventArgs, RequestContext } from '@mikro-orm/core';
import { EntityManager, MikroORM, type Options, PostgreSqlDriver } from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  runInScope,
  softDelete,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { Author, Book, LIBRARY, Note, Passport } from '../../support/library.js';

/** The two ways in which the ORM is started. */
const ways: [name: string, start: (options: Options) => Promise<MikroORM>][] = [
  ['MikroORM.init()', (options) => MikroORM.init(options)],
  ['new MikroORM()', async (options) => new MikroORM(options)],
  [
    'MikroORM.init() of the core package',
    async (options) => (await CoreOrm.init({ driver: PostgreSqlDriver, ...options } as never)) as never,
  ],
];

describe(softDelete.name, () => {
  let database: TestDatabase;
  const started: MikroORM[] = [];

  const options = (more: Partial<Options> = {}): Options => ({
    clientUrl: database.url,
    entities: LIBRARY,
    extensions: [softDelete()],
    ...more,
  });
  const start = async (more: Partial<Options> = {}, [, way] = ways[0]!): Promise<MikroORM> => {
    const orm = await way(options(more));
    started.push(orm);
    return orm;
  };
  const deleted = async (table: string) =>
    (await database.query(`select deleted_at is not null as deleted from ${table} order by id`)).map(
      (row) => row.deleted,
    );

  beforeEach(async () => {
    database = await createTestDatabase();
    const orm = await MikroORM.init({ clientUrl: database.url, entities: LIBRARY });
    await orm.schema.create();
    await orm.close(true);
    await database.query(`
      insert into author (name) values ('Ada'), ('Bob');
      insert into book (title, author_id) values ('one', 1), ('two', 1), ('other', 2);
      insert into chapter (title, book_id) values ('c1', 1);
      insert into passport (number, author_id) values ('P1', 1);
      insert into note (text, author_id) values ('n', 2);`);
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((orm) => orm.close(true)));
    await database.drop();
  });

  describe.each(ways)('with %s', (...way) => {
    it('deletes softly, hides, keeps references resolving and restores', async () => {
      const orm = await start({}, way);
      const em = orm.em.fork();
      em.remove(await em.findOneOrFail(Author, 1));
      await em.flush();
      await expect(deleted('author')).resolves.toEqual([true, false]);
      await expect(deleted('book')).resolves.toEqual([true, true, false]);
      await expect(deleted('chapter')).resolves.toEqual([true]);

      const other = orm.em.fork();
      await expect(other.find(Author, {})).resolves.toHaveLength(1);
      const [book] = await runInScope(other, 'only', () => other.find(Book, {}, { populate: ['author'] }));
      expect(book!.author.name).toBe('Ada');

      const repository = other.getRepository(Author);
      expect(repository).toBeInstanceOf(SoftDeleteRepository);
      await repository.restore(1);
      await expect(deleted('book')).resolves.toEqual([false, false, false]);
    });

    it('makes every door of the entity manager soft', async () => {
      const orm = await start({}, way);
      await orm.em.fork().nativeDelete(Author, { id: 1 });
      await expect(deleted('author')).resolves.toEqual([true, false]);
      await orm.em.fork({ freshEventManager: true }).transactional(async (em) => {
        em.remove(em.getReference(Author, 2));
      });
      await expect(deleted('author')).resolves.toEqual([true, true]);
      await expect(deleted('book')).resolves.toEqual([true, true, true]);
    });

    it('leaves nothing to be done by installSoftDelete(), which replaces the actor', async () => {
      const orm = await start({}, way);
      const Root = orm.em.constructor;
      installSoftDelete(orm, { actor: () => 'ada' });
      expect(orm.em.constructor).toBe(Root);
      expect([...orm.em.getEventManager().getSubscribers()]).toHaveLength(1);
      await orm.em.fork().getRepository(Author).softDelete(1);
      await expect(deleted('author')).resolves.toEqual([true, false]);
    });

    it('makes the entity manager soft that a driver makes by itself', async () => {
      class OwnEntityManager extends EntityManager {}
      class OwnDriver extends PostgreSqlDriver {
        override createEntityManager(useContext?: boolean): never {
          return new OwnEntityManager(this.config, this, this.metadata, useContext) as never;
        }
      }
      const orm = await start({ driver: OwnDriver as never }, way);
      expect(orm.em).toBeInstanceOf(OwnEntityManager);
      await RequestContext.create(orm.em, () => orm.em.nativeDelete(Author, { id: 1 }));
      await expect(deleted('author')).resolves.toEqual([true, false]);
      await orm.em.fork().nativeDelete(Author, { id: 2 });
      await expect(deleted('author')).resolves.toEqual([true, true]);
    });

    it("keeps the configuration's own listeners of the discovery, subscribers, filters and entity manager", async () => {
      const heard: string[] = [];
      class OwnEntityManager extends EntityManager {
        readonly early = this.constructor.name;
        ownMethod(): string {
          return 'own';
        }
      }
      class OwnSubscriber implements EventSubscriber {
        async beforeFlush({ em }: FlushEventArgs): Promise<void> {
          heard.push(`flush in ${(em as OwnEntityManager).ownMethod()}`);
        }
      }
      const orm = await start(
        {
          entityManager: OwnEntityManager as never,
          subscribers: [OwnSubscriber],
          filters: { ada: { cond: { name: 'Ada' }, entity: ['Author'], default: false } },
          discovery: {
            afterDiscovered: (storage) => {
              heard.push(`discovered ${[...storage].some(({ className }) => className === 'Author')}`);
              storage.get(Author).comment = 'seen';
            },
          },
        },
        way,
      );
      const em = orm.em.fork() as unknown as OwnEntityManager;
      expect(orm.em).toBeInstanceOf(OwnEntityManager);
      expect(em.ownMethod()).toBe('own');
      expect(em.getMetadata().get(Author).comment).toBe('seen');
      await expect(em.find(Author, {}, { filters: { ada: true } })).resolves.toMatchObject([{ name: 'Ada' }]);
      em.remove(em.getReference(Author, 2));
      await em.flush();
      expect(heard).toEqual(['discovered true', 'flush in own']);
      await expect(deleted('author')).resolves.toEqual([false, true]);
    });
  });

  it('covers forks that are made while the root entity manager is constructed', async () => {
    let early: EntityManager | undefined;
    let isForking = false;
    class ForkingEntityManager extends EntityManager {
      constructor(...args: ConstructorParameters<typeof EntityManager>) {
        super(...args);
        if (!isForking) {
          isForking = true;
          early = this.fork() as EntityManager;
        }
      }
    }
    await start({ entityManager: ForkingEntityManager as never });
    await expect(early!.find(Author, {})).resolves.toHaveLength(2);
    early!.remove(early!.getReference(Author, 1));
    await early!.flush();
    await expect(deleted('author')).resolves.toEqual([true, false]);
    await expect(deleted('book')).resolves.toEqual([true, true, false]);
  });

  it('covers what subscribers of the configuration remove, in forks of their own too', async () => {
    class Remover implements EventSubscriber<Note> {
      getSubscribedEntities() {
        return [Note];
      }
      async afterCreate({ em }: { em: any }): Promise<void> {
        const fork = em.fork();
        fork.remove(fork.getReference(Passport, 1));
        await fork.flush();
      }
    }
    const orm = await start({ subscribers: [new Remover() as never] });
    const em = orm.em.fork();
    em.create(Note, { text: 'new' });
    await em.flush();
    await expect(deleted('passport')).resolves.toEqual([true]);
  });

  it('is there whatever another extension puts into the configuration, before or after', async () => {
    class OwnEntityManager extends EntityManager {}
    const other = (seen: string[]) => ({
      register: (orm: CoreOrm) => {
        orm.config.set('entityManager', OwnEntityManager as never);
        orm.config.set('discovery', {
          ...orm.config.get('discovery'),
          afterDiscovered: () => {
            seen.push('discovered');
          },
        });
      },
    });
    for (const isFirst of [true, false]) {
      const seen: string[] = [];
      const extensions = [softDelete(), other(seen)];
      const orm = await start({ extensions: isFirst ? extensions : extensions.toReversed() });
      expect(orm.em).toBeInstanceOf(OwnEntityManager);
      expect(seen).toEqual(['discovered']);
      await expect(orm.em.fork().nativeDelete(Author, { id: isFirst ? 1 : 2 })).resolves.toBe(1);
    }
    await expect(deleted('author')).resolves.toEqual([true, true]);
  });

  it('is there if the driver makes entity managers of a class of its own', async () => {
    class DriversEntityManager extends EntityManager {}
    class OwnDriver extends PostgreSqlDriver {
      override createEntityManager(useContext?: boolean): any {
        return new DriversEntityManager(this.config, this as never, this.metadata, useContext);
      }
    }
    const orm = (await CoreOrm.init({ ...options(), driver: OwnDriver } as never)) as never as MikroORM;
    started.push(orm);
    expect(orm.em).toBeInstanceOf(DriversEntityManager);
    const em = orm.em.fork();
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();
    await expect(deleted('author')).resolves.toEqual([true, false]);
    await expect(deleted('book')).resolves.toEqual([true, true, false]);
  });

  it('serves several ORMs over the same classes with one extension and one object of options', async () => {
    const shared = { extensions: [softDelete({ purge: { retention: '90d' } })] };
    const first = await start(shared);
    const second = await start(shared, ways[1]);
    const third = await start();
    await third.close(true);
    for (const [id, orm] of [first, second].entries()) {
      const em = orm.em.fork();
      em.remove(await em.findOneOrFail(Author, id + 1));
      await em.flush();
      await expect(orm.em.fork().find(Author, {})).resolves.toHaveLength(1 - id);
    }
    await expect(deleted('author')).resolves.toEqual([true, true]);
    await expect(deleted('book')).resolves.toEqual([true, true, true]);
    expect(first.config.get('subscribers')).toHaveLength(1);
  });

  it('has one root entity manager of the class that its forks have', async () => {
    const orm = await start();
    expect(orm.em.fork().constructor).toBe(orm.em.constructor);
    expect(orm.config.get('entityManager')).toBe(orm.em.constructor);
  });

  it('refuses what cannot work where it stands', async () => {
    expect(() => softDelete({ purge: { retention: '90' as never } })).toThrow(SoftDeleteConfigError);
    expect(() => softDelete({ retention: '90d' } as never)).toThrow(
      'retention: there is no such option (given: "90d").',
    );
    await expect(start({ extensions: [softDelete(), softDelete()] })).rejects.toThrow(
      'extensions: the configuration of the ORM "default" has softDelete() twice.',
    );
    await expect(start({ extensions: [softDelete({ contextName: 'crm' })] })).rejects.toThrow(
      'contextName: softDelete() names "crm", but it is an extension of the ORM "default".',
    );
    await expect(start({ filters: { softDelete: { cond: {} } } })).rejects.toThrow(
      'filters.softDelete: the MikroORM configuration has a filter of this name',
    );
    expect(() => new MikroORM(options({ filters: { softDelete: { cond: {} } } }))).toThrow(SoftDeleteConfigError);
  });
});

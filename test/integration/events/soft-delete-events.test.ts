import { TransactionPropagation } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type SoftDeleteEvent, SoftDeleteEvents, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { config, map, type Subscription } from 'rxjs';
import { getInstallation } from '../../../lib/installation/installation.js';
import { inScope } from '../../support/in-scope.js';
import { Author, Book, LIBRARY, Review, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe(SoftDeleteEvents.name, () => {
  let test: TestOrm;
  let em: EntityManager;
  let events: SoftDeleteEvents;
  let seen: string[];
  const subscriptions: Subscription[] = [];

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY);
    events = getInstallation(test.orm.em).events;
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate author, book, chapter, review, tag, book_tags restart identity cascade;
      insert into author (name) values ('Ada');
      insert into book (title, author_id) values ('one', 1), ('two', 1);
      insert into review (text, author_id) values ('r1', 1), ('r2', 1), ('r3', 1);
      insert into tag (name) values ('red'), ('blue');
    `);
    em = test.orm.em.fork() as EntityManager;
    seen = [];
    listen(({ type, entity, count }) => seen.push(`${type} ${count} ${entity}`));
  });
  afterEach(() => subscriptions.splice(0).forEach((subscription) => subscription.unsubscribe()));
  afterAll(() => test.close());

  const listen = (next: (event: SoftDeleteEvent) => void) => subscriptions.push(events.stream$.subscribe(next));
  const repository = <E extends object>(manager: EntityManager, entity: new () => E) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const refuse = () => Promise.reject(new Error('refused'));
  const isRefused = (error: Error) => expect(error.message).toBe('refused');

  it('tells of everything that one transaction has committed, in the order of what was done', async () => {
    await em.transactional(async (tx) => {
      await repository(tx, Review).softDelete(1);
      tx.remove(tx.getReference(Tag, 1));
      await tx.flush();
      await tx.transactional((inner) => repository(inner, Review).softDelete(2));
      await repository(tx, Review).restore(1);
      await repository(tx, Book).hardDelete(1);
      expect(seen).toEqual([]);
    });
    expect(seen).toEqual([
      'deleted 1 Review',
      'deleted 1 Tag',
      'deleted 1 Review',
      'restored 1 Review',
      'hard-deleted 1 Book',
    ]);
  });

  it('tells who did it and why, in all three operations', async () => {
    const told: (string | undefined)[][] = [];
    listen(({ type, actor, reason }) => told.push([type, actor, reason]));
    const reviews = repository(em, Review);
    const because = { actor: 'support', reason: 'ticket 7' };
    await reviews.softDelete(1, because);
    await reviews.restore(1, because);
    await reviews.hardDelete(1, because);
    expect(told).toEqual([
      ['deleted', 'support', 'ticket 7'],
      ['restored', 'support', 'ticket 7'],
      ['hard-deleted', 'support', 'ticket 7'],
    ]);
    for (const wrong of [{ actor: '' }, { reason: 7 }, { reson: 'x' }]) {
      await expect(reviews.restore(2, wrong as never)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    }
  });

  describe('the keys of its rows', () => {
    const told = () => {
      const keys: unknown[] = [];
      listen(({ type, entity, keys: named, count }) =>
        keys.push([type, entity, count, (named as number[] | undefined)?.toSorted((a, b) => a - b)]),
      );
      return keys;
    };

    it.each<[string, () => Promise<unknown>]>([
      ['softDelete()', () => repository(em, Author).softDelete(1)],
      ['em.remove()', () => em.remove(em.getReference(Author, 1)).flush()],
      ['nativeDelete()', () => em.nativeDelete(Author, { name: 'Ada' })],
    ])('are told of everything that was deleted: %s', async (_, run) => {
      const keys = told();
      await run();
      expect(keys).toEqual([
        ['deleted', 'Author', 1, [1]],
        ['deleted', 'Book', 2, [1, 2]],
      ]);
    });

    it('are told of what one flush removes and cascades to, in one event', async () => {
      await test.database.query(
        "insert into author (name) values ('Bob'); insert into book (title, author_id) values ('b', 2)",
      );
      const keys = told();
      em.remove(em.getReference(Book, 3));
      em.remove(em.getReference(Author, 1));
      await em.flush();
      expect(keys).toEqual([
        ['deleted', 'Book', 3, [1, 2, 3]],
        ['deleted', 'Author', 1, [1]],
      ]);
    });

    it('are told of what was restored and removed for good', async () => {
      await repository(em, Author).softDelete(1);
      const keys = told();
      await repository(em, Author).restore(1);
      await repository(em, Book).hardDelete({ author: 1 });
      expect(keys).toEqual([
        ['restored', 'Author', 1, [1]],
        ['restored', 'Book', 2, [1, 2]],
        ['hard-deleted', 'Book', 2, [1, 2]],
      ]);
    });

    it('are left out where they are more than 1,000', async () => {
      await test.database.query("insert into tag (name) select 't' || n from generate_series(3, 1001) as n");
      const keys = told() as unknown[][];
      const tags = repository(em, Tag);
      await tags.softDelete({ id: { $lte: 1000 } });
      await tags.restore({});
      await tags.softDelete({});
      await tags.restore({});
      await tags.hardDelete({});
      expect(keys.map(([type, , n, named]) => [type, n, (named as unknown[] | undefined)?.length])).toEqual([
        ['deleted', 1000, 1000],
        ['restored', 1000, 1000],
        ['deleted', 1001, undefined],
        ['restored', 1001, undefined],
        ['hard-deleted', 1001, undefined],
      ]);
    });

    it('cost nothing where nobody listens', async () => {
      const run = async () => {
        test.statements.length = 0;
        await repository(em, Author).softDelete(1);
        await repository(em, Author).restore(1);
        return test.statements.length;
      };
      const heard = await run();
      subscriptions.splice(0).forEach((subscription) => subscription.unsubscribe());
      expect(heard - (await run())).toBe(4);
    });
  });

  it('holds back what a savepoint has released until the transaction around it has committed', async () => {
    await em.begin();
    await em.transactional((outer) =>
      outer.transactional((inner) => repository(inner as EntityManager, Review).softDelete(1)),
    );
    expect(seen).toEqual([]);
    await em.commit();
    expect(seen).toEqual(['deleted 1 Review']);
  });

  it('tells nothing of what was rolled back: the transaction, a savepoint, the transaction around a savepoint', async () => {
    await em
      .transactional(async (tx) => {
        await tx.transactional((inner) => repository(inner as EntityManager, Review).softDelete(1));
        tx.remove(tx.getReference(Review, 2));
        await tx.flush();
        await refuse();
      })
      .catch(isRefused);
    await em.begin();
    await repository(em, Review).softDelete(1);
    await em.rollback();
    expect(seen).toEqual([]);
    await em.fork().transactional(async (tx) => {
      await repository(tx, Review).softDelete(1);
      await tx
        .transactional(async (inner) => {
          await repository(inner as EntityManager, Review).softDelete(2);
          await inner.transactional((innermost) => repository(innermost as EntityManager, Review).softDelete(3));
          await refuse();
        })
        .catch(isRefused);
      await repository(tx, Tag).softDelete(1);
    });
    expect(seen).toEqual(['deleted 1 Review', 'deleted 1 Tag']);
    expect(await test.database.query('select id from review where deleted_at is not null')).toEqual([{ id: 1 }]);
  });

  it('tells nothing if the commit itself fails', async () => {
    await test.database.query(`
      alter table book drop constraint book_author_id_foreign,
        add constraint book_author_id_foreign foreign key (author_id) references author (id) deferrable initially deferred
    `);
    const broken = em.transactional(async (tx) => {
      await repository(tx, Review).softDelete(1);
      await tx.execute(`insert into book (title, author_id) values ('orphan', 99)`);
    });
    await expect(broken).rejects.toThrow('book_author_id_foreign');
    expect(seen).toEqual([]);
    expect(await test.database.query('select id from review where deleted_at is not null')).toEqual([]);
  });

  it('tells at once what a transaction of its own has committed, whatever becomes of the one around it', async () => {
    await em
      .transactional(async (tx) => {
        await repository(tx, Review).softDelete(1);
        await tx.transactional((own) => repository(own as EntityManager, Tag).softDelete(1), {
          propagation: TransactionPropagation.REQUIRES_NEW,
        });
        expect(seen).toEqual(['deleted 1 Tag']);
        await refuse();
      })
      .catch(isRefused);
    expect(seen).toEqual(['deleted 1 Tag']);
  });

  it('keeps transactions at the same time apart', async () => {
    const [first, second] = [test.orm.em.fork(), test.orm.em.fork()] as EntityManager[];
    await first!.begin();
    await second!.begin();
    await repository(first!, Review).softDelete(1);
    await repository(second!, Tag).softDelete(1);
    await first!.rollback();
    expect(seen).toEqual([]);
    await second!.commit();
    expect(seen).toEqual(['deleted 1 Tag']);
  });

  it('names keys, time, actor and reason as far as the operation knows them', async () => {
    const heard: SoftDeleteEvent[] = [];
    listen((event) => heard.push(event));
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();
    const [{ deletedAt }] = await test.database.query('select deleted_at as "deletedAt" from author');
    expect(heard).toEqual([
      { type: 'deleted', entity: 'Author', keys: [1], count: 1, deletedAt },
      { type: 'deleted', entity: 'Book', keys: [1, 2], count: 2, deletedAt },
    ]);
    heard.length = 0;
    await repository(em, Review).softDelete([1, 2], { actor: 'ada', reason: 'spam' });
    const [review] = await test.database.query('select deleted_at as "deletedAt" from review where id = 1');
    expect(heard).toEqual([
      { type: 'deleted', entity: 'Review', keys: [1, 2], count: 2, actor: 'ada', reason: 'spam', ...review },
    ]);
  });

  it('tells nothing of what changed nothing', async () => {
    await repository(em, Review).softDelete({ text: 'none' });
    await repository(em, Review).restore(1);
    await repository(em, Review).hardDelete({ text: 'none' });
    await repository(em, Review).softDelete(1);
    seen.length = 0;
    await repository(em, Review).softDelete(1);
    const review = await em.findOneOrFail(Review, 1, { filters: { softDelete: false } });
    em.remove(review);
    await em.flush();
    expect(seen).toEqual([]);
  });

  describe('listeners', () => {
    it('that throw keep neither the deletion nor other listeners from going on', async () => {
      const unhandled: Error[] = [];
      config.onUnhandledError = (error) => unhandled.push(error);
      try {
        subscriptions.push(
          events.stream$.subscribe(() => {
            throw new Error('listener');
          }),
          events.stream$
            .pipe(
              map(() => {
                throw new Error('operator');
              }),
            )
            .subscribe(),
        );
        const heard: string[] = [];
        listen(({ entity }) => heard.push(entity));
        await repository(em, Review).softDelete(1);
        em.remove(await em.findOneOrFail(Review, 2));
        em.create(Tag, { name: 'green' });
        await em.flush();
        await new Promise((resolve) => setTimeout(resolve));
        expect(heard).toEqual(['Review', 'Review']);
        // RxJS tells the process of an error that nobody has caught, and unsubscribes a listener whose operator has failed.
        expect(unhandled.map(({ message }) => message)).toEqual(['listener', 'operator', 'listener']);
      } finally {
        config.onUnhandledError = null;
      }
      expect(await test.database.query('select id from review where deleted_at is null')).toEqual([{ id: 3 }]);
      expect(await test.database.query(`select id from tag where name = 'green'`)).toHaveLength(1);
    });

    it('read what is committed, with a manager of their own and under no scope of the one who deletes', async () => {
      const reads: Promise<unknown>[] = [];
      listen(() => reads.push((test.orm.em.fork() as EntityManager).count(Review)));
      await inScope(em, 'with', () =>
        em.transactional((tx) => tx.transactional((inner) => repository(inner as EntityManager, Review).softDelete(1))),
      );
      em.remove(await em.findOneOrFail(Review, 2));
      await inScope(em, 'with', () => em.flush());
      expect(await Promise.all(reads)).toEqual([2, 1]);
    });

    it('delete in turn', async () => {
      const done: Promise<unknown>[] = [];
      listen(({ entity }) => {
        if (entity === 'Tag') {
          done.push(repository(test.orm.em.fork() as EntityManager, Review).softDelete(3));
        }
      });
      em.remove(await em.findOneOrFail(Tag, 1));
      await em.flush();
      await Promise.all(done);
      expect(seen).toEqual(['deleted 1 Tag', 'deleted 1 Review']);
    });
  });
});

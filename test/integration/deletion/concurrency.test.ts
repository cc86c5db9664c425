import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, LIBRARY, LIBRARY_INDEXES, Member, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe('deleting and restoring at the same time', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY, { pool: { min: 0, max: 24 } });
    for (const index of LIBRARY_INDEXES) {
      await test.database.query(index);
    }
  });

  beforeEach(async () => {
    await test.database.query('truncate author, book, chapter, tag, member, book_tags restart identity cascade');
    test.statements.length = 0;
  });

  afterAll(() => test.close());

  const fork = () => test.orm.em.fork() as EntityManager;
  const repo = <E extends object>(em: EntityManager, entity: new () => E) =>
    em.getRepository(entity) as unknown as SoftDeleteRepository<E>;

  it('gives every unit a time of its own, across transactions and within them', async () => {
    await test.database.query(`insert into tag (name) select 't' from generate_series(1, 600)`);
    await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        for (let n = 0; n < 6; n++) {
          await fork().transactional(async (em) => {
            for (let i = 1; i <= 5; i++) {
              await repo(em, Tag).softDelete(worker * 30 + n * 5 + i);
            }
          });
        }
      }),
    );
    const [row] = await test.database.query(
      'select count(deleted_at)::int as rows, count(distinct deleted_at)::int as units from tag',
    );
    expect(row).toEqual({ rows: 600, units: 600 });
  });

  it('holds one lock per transaction, however much that deletes', async () => {
    await test.database.query(`insert into tag (name) select 't' from generate_series(1, 50)`);
    await fork().transactional(async (em) => {
      for (let id = 1; id <= 50; id++) {
        await repo(em, Tag).softDelete(id);
      }
      const [row] = await test.database.query(`select count(*)::int from pg_locks where locktype = 'advisory'`);
      expect(row).toEqual({ count: 1 });
    });
  });

  it('deletes a row once when two managers remove it', async () => {
    await test.database.query(
      `insert into author (name) values ('Ada'); insert into book (title, author_id) values ('one', 1)`,
    );
    const [first, second] = [fork(), fork()];
    const [a, b] = [await first.findOneOrFail(Author, 1), await second.findOneOrFail(Author, 1)];
    first.remove(a);
    second.remove(b);
    await Promise.all([first.flush(), second.flush()]);
    expect(a.deletedAt).toEqual(b.deletedAt);
    const [row] = await test.database.query(
      'select a.deleted_at = b.deleted_at as same from author as a, book as b where b.author_id = a.id',
    );
    expect(row).toEqual({ same: true });
  });

  it('lets a restore and a deletion of the same unit take turns', async () => {
    await test.database.query(`
      insert into author (name) select 'a' from generate_series(1, 10);
      insert into book (title, author_id) select 'b', a from generate_series(1, 10) as a, generate_series(1, 5)`);
    await repo(fork(), Author).softDelete({});
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const id = (i % 10) + 1;
        return i % 2 ? repo(fork(), Author).restore(id) : repo(fork(), Author).softDelete(id);
      }),
    );
    const torn = await test.database.query(
      'select a.id from author as a join book as b on b.author_id = a.id where a.deleted_at is distinct from b.deleted_at',
    );
    expect(torn).toEqual([]);
  });

  it('reports a value that was taken between the check and the restoration', async () => {
    await test.database.query(`insert into member (email, name, deleted_at) values ('a@b.c', 'gone', now())`);
    const other = await test.database.connect();
    await other.query('begin');
    await other.query(`insert into member (email, name) values ('a@b.c', 'new')`);
    const restore = repo(fork(), Member).restore(1);
    const outcome = restore.catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await other.query('commit');
    await other.end();
    expect(await outcome).toMatchObject({
      code: 'RESTORE_CONFLICT',
      conflicts: [{ reason: 'unique', entity: 'Member', key: 1, conflictingKey: 2, properties: ['email'] }],
    });
  });

  it('does not resurrect a row through a manager that does not know that it was deleted', async () => {
    await test.database.query(
      `insert into author (name) values ('Ada'); insert into book (title, author_id) values ('one', 1)`,
    );
    const stale = fork();
    const book = await stale.findOneOrFail(Book, 1);
    await repo(fork(), Book).softDelete(1);
    book.title = 'changed';
    await stale.flush();
    const [row] = await test.database.query('select deleted_at is not null as deleted from book');
    expect(row).toEqual({ deleted: true });
  });
});

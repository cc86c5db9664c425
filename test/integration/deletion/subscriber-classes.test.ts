import { type EventArgs, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { Account, Author, Book, LIBRARY } from '../../support/library.js';

const seen: string[] = [];

/** Given to the ORM as a class, which makes an instance for every event manager of its own. */
class Listening implements EventSubscriber {
  beforeFlush({ em, uow }: FlushEventArgs): void {
    for (const entity of uow.getIdentityMap().values()) {
      if (entity instanceof Book && entity.title === 'unwanted' && !entity.deletedAt) {
        em.remove(entity);
      }
    }
  }

  onFlush({ uow }: FlushEventArgs): void {
    seen.push(...uow.getChangeSets().map(({ type, meta }) => `${type} ${meta.className}`));
  }

  beforeDelete({ meta }: EventArgs<any>): void {
    seen.push(`beforeDelete ${meta.className}`);
  }
}

describe.each(['a shared', 'a fresh'])('subscribers that are classes, with %s event manager', (kind) => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({ clientUrl: database.url, entities: LIBRARY, subscribers: [Listening] });
    await orm.schema.create();
    installSoftDelete(orm);
  });
  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  beforeEach(async () => {
    await database.query(`
      truncate author, book, chapter, account restart identity cascade;
      insert into author (name) values ('Ada');
      insert into book (title, author_id) values ('one', 1), ('unwanted', 1);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2)`);
    seen.length = 0;
  });

  const fork = () => orm.em.fork({ freshEventManager: kind === 'a fresh' });
  const deleted = async (table: string) =>
    (await database.query(`select deleted_at is not null as deleted from ${table} order by id`)).map(
      (row) => row.deleted as boolean,
    );

  it('are told of removals as the updates that these become', async () => {
    const em = fork();
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();
    expect(seen).toEqual(['update_early Author']);
    expect(await deleted('author')).toEqual([true]);
    expect(await deleted('chapter')).toEqual([true, true]);
  });

  it('may ask for removals themselves, inside a transaction and out of one', async () => {
    const em = fork();
    await em.find(Book, {});
    em.create(Account, { email: 'a@b.c' });
    await em.flush();
    expect(await deleted('book')).toEqual([false, true]);
    expect(await deleted('chapter')).toEqual([false, true]);

    await database.query('update book set deleted_at = null; update chapter set deleted_at = null');
    await fork().transactional(async (tx) => {
      await tx.find(Book, {});
    });
    expect(await deleted('book')).toEqual([false, true]);
    expect(await deleted('chapter')).toEqual([false, true]);
    expect(seen.filter((line) => line.startsWith('beforeDelete'))).toEqual([]);
  });
});

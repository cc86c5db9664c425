import type { EntityManager } from '@mikro-orm/postgresql';
import { type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import type { Operation, OperationPlace } from '../../../lib/events/operation.js';
import { Operations } from '../../../lib/events/operations.js';
import { getInstallation } from '../../../lib/installation/installation.js';
import { Author, Book, Draft, LIBRARY, Member, Review, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** One line for each part of an operation, as `deleted 2 Book by ada because spam`. */
function lines({ action, parts, actor, reason }: Operation): string[] {
  return parts.map(
    ({ meta, count }) =>
      `${action} ${count} ${meta.className}${actor ? ` by ${actor}` : ''}${reason ? ` because ${reason}` : ''}`,
  );
}

describe(Operations.name, () => {
  let test: TestOrm;
  let em: EntityManager;
  let told: string[];
  let heard: Operation[];
  let listener: ((operation: Operation, place: OperationPlace) => Promise<void>) | undefined;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY, {}, { actor: () => 'ada' });
    getInstallation(test.orm.em).operations.attend(async (operation, place) => {
      told.push(...lines(operation));
      heard.push(operation);
      await listener?.(operation, place);
    });
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate author, book, chapter, draft, review, tag, book_tags, member restart identity cascade;
      insert into author (name) values ('Ada');
      insert into book (title, author_id) values ('one', 1), ('two', 1);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 2);
      insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
      insert into review (text, author_id) values ('r1', 1), ('r2', 1);
      insert into tag (name) values ('red'), ('blue');
      insert into member (email, name) values ('a@x', 'a');
    `);
    em = test.orm.em.fork() as EntityManager;
    told = [];
    heard = [];
    listener = undefined;
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;

  it('hears of the repository door: deletion with its cascade, restoration, removal', async () => {
    await repository(Author).softDelete(1, { reason: 'gone' });
    await repository(Author).restore(1, { actor: 'bob' });
    await repository(Book).hardDelete(1);
    await repository(Review).nativeDelete({ text: 'r1' });
    expect(told).toEqual([
      'deleted 1 Author by ada because gone',
      'deleted 2 Draft by ada because gone',
      'deleted 2 Book by ada because gone',
      'deleted 3 Chapter by ada because gone',
      'restored 1 Author by bob',
      'restored 2 Draft by bob',
      'restored 2 Book by bob',
      'restored 3 Chapter by bob',
      'hard-deleted 1 Book by ada',
      'hard-deleted 1 Chapter by ada',
      'deleted 1 Review by ada',
    ]);
  });

  it('hears of the flush door: what was named, orphans, what was cascaded to, and collections replaced unloaded', async () => {
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
    author.drafts.remove(author.drafts[0]!);
    await em.flush();
    author.drafts.removeAll();
    em.remove(await em.findOneOrFail(Book, 2));
    await em.flush();
    const again = test.orm.em.fork() as EntityManager;
    await test.database.query('update draft set deleted_at = null');
    (await again.findOneOrFail(Author, 1)).drafts.set([again.create(Draft, { title: 'd3' })]);
    await again.flush();
    expect(told).toEqual([
      'deleted 1 Draft by ada',
      'deleted 1 Book by ada',
      'deleted 1 Draft by ada',
      'deleted 2 Chapter by ada',
      'deleted 2 Draft by ada',
    ]);
  });

  it('says which rows came back or went, with the units they were in to the microsecond', async () => {
    await repository(Book).softDelete(1);
    await repository(Book).softDelete(2);
    const units = await test.database.query(
      `select id, to_char(deleted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' as unit from book order by id`,
    );
    heard = [];
    await repository(Book).restore([1, 2]);
    expect(heard[0]!.parts[0]!.rows).toEqual(units.map(({ id, unit }) => ({ key: [String(id)], unit })));
    await repository(Tag).softDelete(1);
    heard = [];
    await repository(Tag).hardDelete([1, 2]);
    expect([...heard[0]!.parts[0]!.rows!].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: ['1'], unit: expect.stringMatching(/\.\d{6}\+00$/) },
      { key: ['2'], unit: null },
    ]);
  });

  it('hears of what restoreOrCreate() restores', async () => {
    await repository(Member).softDelete(1);
    told = [];
    await repository(Member).restoreOrCreate({ email: 'a@x' }, { email: 'a@x', name: 'a' });
    expect(told).toEqual(['restored 1 Member by ada']);
  });

  it.each(['softDelete', 'restore', 'hardDelete'] as const)(
    'undoes %s in database and memory if a listener throws',
    async (name) => {
      const tags = repository(Tag);
      const tag = await em.findOneOrFail(Tag, 1);
      if (name === 'restore') {
        await tags.softDelete(1);
      }
      const before = await test.database.query('select * from tag order by id');
      const memory = tag.deletedAt;
      listener = () => Promise.reject(new Error('veto'));
      await expect(tags[name](1)).rejects.toThrow('veto');
      expect(await test.database.query('select * from tag order by id')).toEqual(before);
      expect(tag.deletedAt).toEqual(memory);
    },
  );

  it('undoes a flush if a listener throws, and keeps a transaction around it from committing half of it', async () => {
    listener = () => Promise.reject(new Error('veto'));
    const tag = await em.findOneOrFail(Tag, 1);
    em.remove(tag);
    await expect(em.flush()).rejects.toThrow('veto');
    expect(tag.deletedAt ?? null).toBeNull();
    const outer = test.orm.em.fork() as EntityManager;
    const committed = outer.transactional(async (tx) => {
      tx.remove(await tx.findOneOrFail(Tag, 2));
      await tx.flush().catch((error: Error) => expect(error.message).toBe('veto'));
    });
    await committed.catch(() => undefined);
    expect(await test.database.query('select id from tag where deleted_at is null order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
  });

  it('runs further statements in the transaction of the operation', async () => {
    listener = async (_operation, place) => {
      await place.em.getConnection().execute(`update review set text = 'seen'`, [], 'run', place.ctx);
      throw new Error('veto');
    };
    await expect(repository(Tag).softDelete(1)).rejects.toThrow('veto');
    expect(await test.database.query(`select id from review where text = 'seen'`)).toEqual([]);
    listener = async (_operation, place) => {
      await place.em.getConnection().execute(`update review set text = 'seen'`, [], 'run', place.ctx);
    };
    await repository(Tag).softDelete(1);
    expect(await test.database.query(`select id from review where text = 'seen'`)).toHaveLength(2);
  });

  it('hears nothing of a preview', async () => {
    await repository(Tag).softDelete(1, { dryRun: true });
    await repository(Tag).hardDelete(1, { dryRun: true });
    await repository(Tag).restore(1, { dryRun: true });
    expect(told).toEqual([]);
  });
});

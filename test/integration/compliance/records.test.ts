import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createPurge, softDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Author, Book, Draft, LIBRARY, Member, Review, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe('records', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([...LIBRARY, ...complianceEntities()], {}, { actor: () => 'ada' });
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate author, book, chapter, draft, loan, review, note, tag, book_tags, member, deletion_record restart identity cascade;
      insert into author (name) values ('Ada');
      insert into book (title, author_id) values ('one', 1), ('two', 1);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 2);
      insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
      insert into review (text, author_id) values ('r1', 1), ('r2', 1);
      insert into tag (name) values ('red'), ('blue'), ('green');
      insert into member (email, name) values ('a@x', 'a');
    `);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  /** Every record in one line, with the keys where there are some. */
  const records = async () =>
    (await test.database.query('select * from deletion_record order by id')).map(
      ({ action, count, entity, keys, actor, reason }) =>
        [
          action,
          count,
          entity,
          ...(keys ? [JSON.stringify(keys)] : []),
          `by ${actor}`,
          ...(reason ? [reason] : []),
        ].join(' '),
    );
  const refuse = () => Promise.reject(new Error('refused'));
  const isRefused = (error: Error) => expect(error.message).toBe('refused');

  it('are one for each entity of a unit, and carry its time', async () => {
    await repository(Author).softDelete(1, { reason: 'gone' });
    expect(await records()).toEqual([
      'deleted 1 Author by ada gone',
      'deleted 2 Draft by ada gone',
      'deleted 2 Book by ada gone',
      'deleted 3 Chapter by ada gone',
    ]);
    const found = await test.database.query(`
      select 1 from deletion_record as r join chapter as c on c.deleted_at = r.unit where r.entity = 'Chapter'`);
    expect(found).toHaveLength(3);
  });

  it('cost one statement, however many rows and levels there are', async () => {
    await test.database.query(`
      insert into author (id, name) select n, 'many' from generate_series(2, 1001) as n;
      insert into book (id, title, author_id) select n, 'many', n / 4 + 2 from generate_series(3, 3002) as n;
      insert into chapter (id, title, book_id) select n, 'many', n / 2 + 1 from generate_series(4, 6003) as n`);
    await repository(Author).softDelete({ id: { $gt: 0 } });
    const [{ total }] = await test.database.query('select sum(count)::int as total from deletion_record');
    const deleted = await test.database.query(
      `select (select count(*) from author where deleted_at is not null)
            + (select count(*) from book where deleted_at is not null) + (select count(*) from chapter where deleted_at is not null)
            + (select count(*) from draft where deleted_at is not null) as rows`,
    );
    expect(total).toBe(Number(deleted[0].rows));
    expect(total).toBeGreaterThan(9_000);
    expect(test.statements.filter((sql) => sql.includes('deletion_record'))).toHaveLength(1);
    expect(await test.database.query('select entity from deletion_record')).toHaveLength(4);
  });

  it('are written by a flush: named, orphans, cascaded, replaced unloaded, with the context around it', async () => {
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
    author.drafts.remove(author.drafts[0]!);
    em.remove(await em.findOneOrFail(Book, 2));
    await withDeletionContext({ reason: 'flush' }, () => em.flush());
    const other = test.orm.em.fork() as EntityManager;
    (await other.findOneOrFail(Author, 1)).drafts.set([other.create(Draft, { title: 'd3' })]);
    await withDeletionContext({ actor: 'job' }, () => other.flush());
    expect(await records()).toEqual([
      'deleted 1 Book by ada flush',
      'deleted 1 Draft by ada flush',
      'deleted 2 Chapter by ada flush',
      'deleted 1 Draft by job',
    ]);
  });

  it('count what was named and cascaded to of one entity together', async () => {
    await em.remove(await em.findOneOrFail(Book, 1)).flush();
    expect(await records()).toEqual(['deleted 1 Book by ada', 'deleted 1 Chapter by ada']);
  });

  it('have the keys of rows that come back and go', async () => {
    await repository(Author).softDelete(1);
    await repository(Author).restore(1, { reason: 'mistake' });
    await repository(Book).hardDelete(1, { actor: 'bob' });
    await repository(Member).softDelete(1);
    await repository(Member).restoreOrCreate({ email: 'a@x' }, { email: 'a@x', name: 'a' });
    expect((await records()).slice(4)).toEqual([
      'restored 1 Author [["1"]] by ada mistake',
      'restored 2 Draft [["1"],["2"]] by ada mistake',
      'restored 2 Book [["1"],["2"]] by ada mistake',
      'restored 3 Chapter [["1"],["2"],["3"]] by ada mistake',
      'hard-deleted 1 Book [["1"]] by bob',
      'hard-deleted 1 Chapter [["1"]] by bob',
      'deleted 1 Member by ada',
      'restored 1 Member [["1"]] by ada',
    ]);
  });

  it('are written by nativeDelete() of both, and by no preview', async () => {
    await repository(Tag).nativeDelete({ name: 'red' });
    await em.nativeDelete(Tag, { name: 'blue' });
    await repository(Tag).softDelete(3, { dryRun: true });
    await repository(Tag).hardDelete(3, { dryRun: true });
    await repository(Tag).restore(1, { dryRun: true });
    expect(await records()).toEqual(['deleted 1 Tag by ada', 'deleted 1 Tag by ada']);
  });

  it('equal the rows that a purge has removed, batch by batch', async () => {
    await repository(Author).softDelete(1);
    await test.database.query(`
      update author set deleted_at = deleted_at - interval '1 day'; update book set deleted_at = deleted_at - interval '1 day';
      update chapter set deleted_at = deleted_at - interval '1 day'; update draft set deleted_at = deleted_at - interval '1 day';
      delete from review; truncate deletion_record`);
    const report = await withDeletionContext({ actor: 'cron' }, () =>
      createPurge(test.orm, { retention: '1h', batchSize: 1 }).run(),
    );
    const purged = await test.database.query(`
      select entity, sum(count)::int as count, sum(json_array_length(keys))::int as keys, count(distinct unit)::int as cutoffs
      from deletion_record where action = 'purged' and actor = 'cron' group by entity order by entity`);
    expect(purged).toEqual(
      report.entities
        .filter((entity) => entity.purged > 0)
        .map(({ entity, purged: count }) => ({ entity, count, keys: count, cutoffs: 1 }))
        .sort((a, b) => (a.entity < b.entity ? -1 : 1)),
    );
    expect(purged.map(({ entity }) => entity)).toEqual(['Author', 'Book', 'Chapter', 'Draft']);
  });

  it('are not passed over by a purge of an ORM without soft deletion', async () => {
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [...LIBRARY, ...complianceEntities()],
    });
    expect(() => createPurge(other)).toThrow(expect.objectContaining({ code: 'SOFT_DELETE_NOT_INSTALLED' }));
    await other.close(true);
  });

  it('share the fate of what they record: savepoints, transactions, a failed commit', async () => {
    await em
      .transactional(async (tx) => {
        await repository(Review, tx).softDelete(1);
        tx.remove(await tx.findOneOrFail(Tag, 1));
        await tx.flush();
        await refuse();
      })
      .catch(isRefused);
    expect(await records()).toEqual([]);
    await em.fork().transactional(async (tx) => {
      await repository(Review, tx as EntityManager).softDelete(1);
      await tx
        .transactional(async (inner) => {
          await repository(Review, inner as EntityManager).softDelete(2);
          await inner.transactional((innermost) => repository(Tag, innermost as EntityManager).hardDelete(3));
          await refuse();
        })
        .catch(isRefused);
      await tx.transactional(async (inner) => {
        inner.remove(await inner.findOneOrFail(Tag, 1));
      });
      await repository(Tag, tx as EntityManager).hardDelete(2);
    });
    expect(await records()).toEqual([
      'deleted 1 Review by ada',
      'deleted 1 Tag by ada',
      'hard-deleted 1 Tag [["2"]] by ada',
    ]);
  });

  it('are gone with the backend that was killed before its commit', async () => {
    // The ORM never gets back a connection that cannot be rolled back, so this one is left to itself.
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [...LIBRARY, ...complianceEntities()],
      extensions: [softDelete()],
    });
    const broken = (other.em.fork() as EntityManager).transactional(async (tx) => {
      await repository(Tag, tx).softDelete(1);
      const [backend] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
      await test.database.query('select pg_terminate_backend($1)', [backend!.pid]);
      await tx.execute('select 1');
    });
    await expect(broken).rejects.toThrow(/terminat|connection/i);
    expect(await records()).toEqual([]);
    expect(await test.database.query('select id from tag where deleted_at is not null')).toEqual([]);
  });

  describe('that are refused refuse the deletion', () => {
    beforeEach(() =>
      test.database.query(`
        create or replace function full_disk() returns trigger as $$ begin raise exception 'the disk is full'; end; $$ language plpgsql;
        create trigger full_disk before insert on deletion_record for each row execute function full_disk()`),
    );
    afterEach(() => test.database.query('drop trigger full_disk on deletion_record'));

    it.each([
      ['softDelete()', () => repository(Tag).softDelete(1)],
      ['hardDelete()', () => repository(Tag).hardDelete(1)],
      ['a flush', async () => em.remove(await em.findOneOrFail(Tag, 1)).flush()],
      [
        'a flush in a transaction that goes on',
        () =>
          em.transactional(async (tx) => {
            tx.remove(await tx.findOneOrFail(Tag, 1));
            await tx.flush().catch(() => undefined);
          }),
      ],
    ])('%s', async (_door, act) => {
      await act().catch((error: Error) => expect(error.message).toContain('the disk is full'));
      expect(await test.database.query('select id from tag where deleted_at is null order by id')).toHaveLength(3);
    });

    it('restore()', async () => {
      await test.database.query('update tag set deleted_at = now() where id = 1');
      const tag = await em.findOneOrFail(Tag, 1, { filters: { softDelete: false } });
      await expect(repository(Tag).restore(1)).rejects.toThrow('the disk is full');
      expect(await test.database.query('select id from tag where deleted_at is null order by id')).toHaveLength(2);
      expect(tag.deletedAt).toBeInstanceOf(Date);
    });

    it('a purge', async () => {
      await test.database.query(`update tag set deleted_at = now() - interval '1 day'`);
      const report = await createPurge(test.orm, { retention: '1h' }).run({ entities: [Tag] });
      expect(report.entities[0]).toMatchObject({ purged: 0, failed: 3 });
      expect(await test.database.query('select id from tag')).toHaveLength(3);
    });
  });
});

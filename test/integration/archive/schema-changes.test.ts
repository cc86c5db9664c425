import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  RestoreConflictError,
  SoftDeletable,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Page {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  title?: string | null;

  @Property({ type: 'integer', nullable: true })
  views?: number | null;
}

/** The same entity as a later version of the application has it. */
function laterPage(
  archive: { renamed?: Record<string, string>; dropped?: string[] },
  columns: readonly string[] = [],
): new () => object {
  @SoftDeletable({ strategy: 'archive', archive })
  @Entity({ tableName: 'page' })
  class Page {
    @PrimaryKey({ type: 'number' })
    id!: number;
  }
  columns.forEach((column) => Property({ type: 'string', nullable: true })(Page.prototype, column));
  return Page;
}

describe('Restoration after the schema has changed', () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Page, ...complianceEntities()]);
    await test.database.query(`insert into page (id, title, views) values (1, 'Home', 7)`);
    await (test.orm.em.fork().getRepository(Page) as any).softDelete(1);
  });
  afterEach(() => test.close());

  const restore = (options = {}) => (test.orm.em.fork().getRepository(Page) as any).restore(1, options);
  async function mismatches(): Promise<unknown> {
    const error = await restore().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    const { conflicts } = error as RestoreConflictError;
    expect((await restore({ dryRun: true })).conflicts).toEqual(conflicts);
    expect(await test.database.query('select 1 from page')).toEqual([]);
    return conflicts.map(({ reason, column, key }) => `${reason} ${column} ${String(key)}`);
  }
  async function later(archive: { renamed?: Record<string, string>; dropped?: string[] }): Promise<unknown[]> {
    const Later = laterPage(archive);
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities: [Later, ...complianceEntities()] });
    try {
      installSoftDelete(orm);
      await (orm.em.fork().getRepository(Later) as any).restore(1);
      return await test.database.query('select * from page');
    } finally {
      await orm.close(true);
    }
  }

  it('gives new columns their default', async () => {
    await test.database.query(`alter table page add language text not null default 'en', add note text`);
    await restore();
    expect(await test.database.query('select * from page')).toEqual([
      { id: 1, title: 'Home', views: 7, language: 'en', note: null },
    ]);
  });

  it('is refused where a new column is required and has no default', async () => {
    await test.database.query('alter table page add language text not null');
    expect(await mismatches()).toEqual(['schema language 1']);
  });

  it('is refused where a column was renamed, until that is declared', async () => {
    await test.database.query('alter table page rename title to heading');
    expect(await mismatches()).toEqual(['schema title 1']);
    expect(await later({ renamed: { title: 'heading' } })).toEqual([{ id: 1, heading: 'Home', views: 7 }]);
  });

  it.each([
    ['restores', false],
    ['reads', true],
  ])(
    '%s the values of a column that has left its name to a new one, of rows from before and after',
    async (_what, reads) => {
      await test.database
        .query(`alter table page rename title to heading; alter table page add title text default 'none';
      insert into page (id, heading, title, views) values (2, null, 'New', 8), (3, 'Old', null, 9)`);
      const later = laterPage({ renamed: { title: 'heading' } }, ['heading', 'title']);
      const orm = await MikroORM.init({ clientUrl: test.database.url, entities: [later, ...complianceEntities()] });
      try {
        installSoftDelete(orm);
        const pages = () => orm.em.fork().getRepository(later) as any;
        await pages().softDelete([2, 3]);
        expect((await pages().onlyDeleted().find({ heading: 'Home' })).map(({ id }: any) => id)).toEqual([1]);
        const rows = reads
          ? (
              await pages()
                .onlyDeleted()
                .findAll({ orderBy: { id: 1 } })
            ).map((row: any) => ({ ...row }))
          : await pages()
              .restore({})
              .then(() => test.database.query('select id, heading, title, views from page order by id'));
        expect(rows).toEqual([
          { id: 1, heading: 'Home', title: reads ? null : 'none', ...(reads ? {} : { views: 7 }) },
          { id: 2, heading: null, title: 'New', ...(reads ? {} : { views: 8 }) },
          { id: 3, heading: 'Old', title: null, ...(reads ? {} : { views: 9 }) },
        ]);
      } finally {
        await orm.close(true);
      }
    },
  );

  it('follows a column through several names', async () => {
    await test.database.query(`alter table page rename title to heading; alter table page rename heading to caption`);
    expect(await later({ renamed: { title: 'heading', heading: 'caption' } })).toEqual([
      { id: 1, caption: 'Home', views: 7 },
    ]);
  });

  it('knows a column whose name another one has taken over', async () => {
    await test.database.query(`alter table page rename title to heading; alter table page rename views to title`);
    expect(await later({ renamed: { title: 'heading', views: 'title' } })).toEqual([
      { id: 1, heading: 'Home', title: 7 },
    ]);
  });

  it('gives a column its default that was dropped, and declared as one of another type since', async () => {
    await test.database.query(`alter table page drop views; alter table page add views text default 'many'`);
    expect(await mismatches()).toEqual(['schema views 1']);
    expect(await later({ dropped: ['views'] })).toEqual([{ id: 1, title: 'Home', views: 'many' }]);
  });

  it('is refused where a column has another type', async () => {
    await test.database.query('alter table page alter views type bigint');
    expect(await mismatches()).toEqual(['schema views 1']);
    await test.database.query('alter table page alter views type integer');
    await restore();
  });

  it('is refused where a column was dropped, until that is declared', async () => {
    await test.database.query('alter table page drop views');
    expect(await mismatches()).toEqual(['schema views 1']);
    expect(await later({ dropped: ['views'] })).toEqual([{ id: 1, title: 'Home' }]);
  });

  it('says which rows cannot be read, since a value does not fit its column any more', async () => {
    await test.database.query(`insert into page (id, title) values (2, '12')`);
    const pages = (em: any = test.orm.em.fork()) => em.getRepository(Page) as any;
    await pages().softDelete(2);
    await test.database.query('alter table page alter title type integer using 0');
    const refused = async (work: Promise<unknown>) => {
      const error: any = await work.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SoftDeleteConfigError);
      expect(error.message).toMatch(/on Page: .*Home.*(Change the type back|declare it)/);
      expect(error.cause).toMatchObject({ code: '22P02' });
      return error.message as string;
    };
    expect(await refused(pages().onlyDeleted().findAll())).toContain('title of Page 1');
    await refused(pages().onlyDeleted().findOne(1));
    await refused(
      pages()
        .onlyDeleted()
        .count({ title: 'x' })
        .catch(() => pages().onlyDeleted().count({ title: 3 })),
    );
    await refused(pages().hardDelete({ title: 3 }));
    await test.orm.em.fork().transactional(async (em) => {
      await refused(pages(em).onlyDeleted().findAll());
      expect(await em.execute('select 1 as one')).toEqual([{ one: 1 }]);
    });
    expect(await pages().onlyDeleted().count()).toBe(2);
    expect(await pages().hardDelete(2)).toBe(1);
    expect(await test.database.query('select key from deletion_archive')).toEqual([{ key: '1' }]);
  });

  it('is refused where a column is required by now, and the row has nothing in it', async () => {
    await test.database.query(`insert into page (id, title) values (2, null), (3, 'x'), (4, null)`);
    await (test.orm.em.fork().getRepository(Page) as any).softDelete({ id: { $gt: 1 } });
    await test.database.query('alter table page alter title set not null');
    const error = await (test.orm.em.fork().getRepository(Page) as any)
      .restore({ id: { $gte: 2 } })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    expect(error.conflicts).toEqual([{ reason: 'schema', entity: 'Page', key: 2, column: 'title' }]);
    expect(await test.database.query('select 1 from page')).toEqual([]);
    expect((await (test.orm.em.fork().getRepository(Page) as any).restore(3)).total).toBe(1);
  });

  it.each([
    [
      'an enum has lost its value',
      `create type mood as enum ('sad', 'ok')`,
      `alter type mood rename to former; create type mood as enum ('ok');
       alter table page alter mood type mood using mood::text::mood; drop type former`,
    ],
    ['a domain does not allow its value', `create domain mood as text`, `alter domain mood add check (value <> 'sad')`],
    [
      'a composite type has other fields',
      `create type mood as (a text)`,
      `alter type mood add attribute b int cascade`,
    ],
  ])('is refused where %s', async (_name, create, change) => {
    const value = create.includes('(a text)') ? '(sad)' : 'sad';
    await test.database.query(
      `${create}; alter table page add mood mood; insert into page (id, mood) values (2, '${value}')`,
    );
    await (test.orm.em.fork().getRepository(Page) as any).softDelete(2);
    await test.database.query(change);
    for (const where of [2, {}, { views: null }]) {
      const { conflicts } = await (test.orm.em.fork().getRepository(Page) as any).restore(where, { dryRun: true });
      expect(conflicts).toEqual([{ reason: 'schema', entity: 'Page', key: 2, column: 'mood' }]);
    }
    await restore();
    expect(await test.database.query('select id from page')).toEqual([{ id: 1 }]);
  });

  it('is refused where a check does not allow the row, in a transaction that goes on', async () => {
    await test.database.query('alter table page add constraint popular check (views > 10)');
    await test.orm.em.fork().transactional(async (em) => {
      const error = await (em.getRepository(Page) as any).restore(1).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error.conflicts).toEqual([
        { reason: 'schema', entity: 'Page', key: undefined, column: '*', constraint: 'popular' },
      ]);
      expect(await em.execute('select 1 as one')).toEqual([{ one: 1 }]);
    });
    await test.database.query('alter table page drop constraint popular');
    await restore();
  });

  it('sees the columns that a migration adds while the process runs', async () => {
    await test.database.query(`alter table page add language text`);
    await test.database.query(`insert into page (id, language) values (2, 'de')`);
    await (test.orm.em.fork().getRepository(Page) as any).softDelete(2);
    await (test.orm.em.fork().getRepository(Page) as any).restore(2);
    expect(await test.database.query('select id, language from page')).toEqual([{ id: 2, language: 'de' }]);
  });
});

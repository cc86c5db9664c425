import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete, RestoreConflictError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
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
function laterPage(archive: { renamed?: Record<string, string>; dropped?: string[] }): new () => object {
  @SoftDeletable({ strategy: 'archive', archive })
  @Entity({ tableName: 'page' })
  class Page {
    @PrimaryKey({ type: 'number' })
    id!: number;
  }
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

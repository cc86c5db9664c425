import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete, RestoreConflictError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface Archive {
  readonly renamed?: Record<string, string>;
  readonly dropped?: string[];
}

/** The entity as a version of the application has it. */
function sheet(columns: readonly string[], archive?: Archive): new () => object {
  @SoftDeletable({ strategy: 'archive', ...(archive ? { archive } : {}) })
  @Entity({ tableName: 'sheet' })
  class Sheet {
    @PrimaryKey({ type: 'number' })
    id!: number;
  }
  columns.forEach((column) => Property({ type: 'string', nullable: true })(Sheet.prototype, column));
  return Sheet;
}

interface Change extends Archive {
  readonly what: string;
  readonly sql: string;
  /** A row of the table as it is then, archived with it. */
  readonly later?: string;
  /** A further change. */
  readonly afterwards?: string;
  readonly columns: string[];
  /** What the rows are when they are back. */
  readonly rows: Record<string, unknown>[];
}

const CHANGES: Change[] = [
  {
    what: 'a column that has taken the name of another one, and left its own to a new one',
    sql: `alter table sheet rename b to d; alter table sheet rename a to b; alter table sheet add a text default 'new'`,
    later: `(id, a, b, c, d) values (2, 'a2', 'b2', 'c2', 'd2')`,
    renamed: { b: 'd', a: 'b' },
    columns: ['a', 'b', 'c', 'd'],
    rows: [
      { id: 1, a: 'new', b: 'a1', c: 'c1', d: 'b1' },
      { id: 2, a: 'a2', b: 'b2', c: 'c2', d: 'd2' },
    ],
  },
  {
    what: 'columns that have passed on their names in a row',
    sql: `alter table sheet rename c to d; alter table sheet rename b to c; alter table sheet rename a to b`,
    later: `(id, b, c, d) values (2, 'b2', 'c2', 'd2')`,
    renamed: { c: 'd', b: 'c', a: 'b' },
    columns: ['b', 'c', 'd'],
    rows: [
      { id: 1, b: 'a1', c: 'b1', d: 'c1' },
      { id: 2, b: 'b2', c: 'c2', d: 'd2' },
    ],
  },
  {
    what: 'a column that has taken the name of a dropped one',
    sql: `alter table sheet drop b; alter table sheet rename a to b`,
    later: `(id, b, c) values (2, 'b2', 'c2')`,
    renamed: { a: 'b' },
    dropped: ['b'],
    columns: ['b', 'c'],
    rows: [
      { id: 1, b: 'a1', c: 'c1' },
      { id: 2, b: 'b2', c: 'c2' },
    ],
  },
  {
    what: 'columns that have taken a name one after the other, each dropped before the next',
    sql: `alter table sheet drop c; alter table sheet rename a to c`,
    later: `(id, b, c) values (2, 'b2', 'c2')`,
    afterwards: `alter table sheet drop c; alter table sheet rename b to c`,
    renamed: { a: 'c', b: 'c' },
    dropped: ['a', 'c'],
    columns: ['c'],
    rows: [
      { id: 1, c: 'b1' },
      { id: 2, c: 'b2' },
    ],
  },
  {
    what: 'a renamed column whose name another one had until it was dropped',
    sql: `alter table sheet rename a to d; alter table sheet add a text`,
    later: `(id, a, b, c, d) values (2, 'a2', 'b2', 'c2', 'd2')`,
    afterwards: `alter table sheet drop a`,
    renamed: { a: 'd' },
    dropped: ['a'],
    columns: ['b', 'c', 'd'],
    rows: [
      { id: 1, b: 'b1', c: 'c1', d: 'a1' },
      { id: 2, b: 'b2', c: 'c2', d: 'd2' },
    ],
  },
];

describe('archived rows whose columns were renamed', () => {
  let test: TestOrm;
  const First = sheet(['a', 'b', 'c']);

  beforeEach(async () => {
    test = await createTestOrm([First, ...complianceEntities()]);
    await test.database.query(`insert into sheet (id, a, b, c) values (1, 'a1', 'b1', 'c1')`);
    await (test.orm.em.fork().getRepository(First) as any).softDelete(1);
  });
  afterEach(() => test.close());

  async function using<Result>(entity: new () => object, work: (repo: any) => Promise<Result>): Promise<Result> {
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities: [entity, ...complianceEntities()] });
    try {
      installSoftDelete(orm);
      return await work(orm.em.fork().getRepository(entity));
    } finally {
      await orm.close(true);
    }
  }
  const conflictsOf = async (repo: any) => {
    const error = await repo.restore({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    expect((await repo.restore({}, { dryRun: true })).conflicts).toEqual(error.conflicts);
    expect(await test.database.query('select 1 from sheet')).toEqual([]);
    return error.conflicts.map(({ reason, column, key }: any) => `${reason} ${column} ${key}`);
  };

  it.each(CHANGES)(
    'come back and are read as they were: $what',
    async ({ sql, later, afterwards, columns, rows, ...of }) => {
      const archive = { renamed: of.renamed!, dropped: of.dropped ?? [] };
      await test.database.query(sql);
      if (later) {
        await test.database.query(`insert into sheet ${later}`);
        await (test.orm.em.fork().getRepository(First) as any).softDelete(2);
      }
      await test.database.query(afterwards ?? 'select 1');
      await using(sheet(columns, archive), async (repo) => {
        const read = await repo.onlyDeleted().findAll({ orderBy: { id: 1 } });
        const isNew = (value: unknown) => value === 'new';
        expect(read.map((row: any) => ({ ...row }))).toEqual(
          rows.map((row) =>
            Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isNew(value) ? null : value])),
          ),
        );
        for (const [name, value] of Object.entries(rows[0]!).filter(([, each]) => !isNew(each))) {
          expect([name, await repo.onlyDeleted().count({ [name]: value })]).toEqual([name, 1]);
        }
        expect((await repo.restore({})).total).toBe(rows.length);
      });
      expect(await test.database.query(`select id, ${columns.join(', ')} from sheet order by id`)).toEqual(rows);
    },
  );

  it('are refused where a column took the name of a dropped one, until that is declared', async () => {
    await test.database.query(`alter table sheet drop b; alter table sheet rename a to b`);
    await using(sheet(['b', 'c'], { renamed: { a: 'b' } }), async (repo) =>
      expect(await conflictsOf(repo)).toEqual(['schema a 1', 'schema b 1']),
    );
  });

  it('are refused where nobody can tell whether a value is that of a column or of a former one', async () => {
    await test.database.query(
      `alter table sheet drop b; alter table sheet rename a to b; alter table sheet add a text`,
    );
    await using(sheet(['a', 'b', 'c'], { renamed: { a: 'b' }, dropped: ['b'] }), async (repo) =>
      expect(await conflictsOf(repo)).toEqual(['schema a 1']),
    );
  });

  it.each([
    ['two columns', { a: 'b', b: 'a' }],
    ['three columns', { a: 'b', b: 'c', c: 'a' }],
    ['a column that got its name back', { a: 'z', z: 'a' }],
    ['a column and itself', { a: 'a' }],
  ])('are not declared where names form a circle: %s', (_what, renamed) => {
    expect(() => sheet(['a', 'b', 'c'], { renamed })).toThrow(/archive.renamed: .*leads back to where it began/);
  });

  it('come back where a column got its former name again, which is all that is declared', async () => {
    await test.database.query(`alter table sheet rename a to z; insert into sheet (id, z) values (2, 'z2')`);
    await (test.orm.em.fork().getRepository(First) as any).softDelete(2);
    await test.database.query(`alter table sheet rename z to a`);
    await using(sheet(['a', 'b', 'c'], { renamed: { z: 'a' } }), (repo) => repo.restore({}));
    expect(await test.database.query('select id, a, b from sheet order by id')).toEqual([
      { id: 1, a: 'a1', b: 'b1' },
      { id: 2, a: 'z2', b: null },
    ]);
  });
});

import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete, RestoreConflictError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface Archive {
  readonly renamed?: Record<string, string>;
  readonly dropped?: string[];
}

type Hierarchy = Record<'Animal' | 'Dog' | 'Cat', new () => any>;

/** Animals with columns of their own, as a version of the application has them. */
function animals(kind: 'tpt' | 'sti', dogColumn = 'breed', archive?: Archive): Hierarchy {
  const table =
    kind === 'tpt'
      ? { inheritance: 'tpt' as const }
      : { discriminatorColumn: 'kind', discriminatorMap: { animal: 'Animal', dog: 'Dog', cat: 'Cat' } };
  @SoftDeletable({ strategy: 'archive', ...(archive ? { archive } : {}) })
  @Entity({ tableName: 'animal', ...table })
  class Animal {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: 'string', nullable: true })
    name?: string | null;
  }

  @Entity(kind === 'tpt' ? { tableName: 'dog' } : {})
  class Dog extends Animal {}
  Property({ type: 'string', nullable: true })(Dog.prototype, dogColumn);

  @Entity(kind === 'tpt' ? { tableName: 'cat' } : {})
  class Cat extends Animal {
    @Property({ type: 'integer', nullable: true })
    lives?: number | null;
  }
  return { Animal, Dog, Cat };
}

describe.each(['tpt', 'sti'] as const)('archived heirs (%s) whose table has changed', (kind) => {
  let test: TestOrm;
  let first: Hierarchy;
  /** The table with the columns of dogs, and the part of the archive that has them. */
  const [table, part] = kind === 'tpt' ? ['dog', 'Dog'] : ['animal', 'Animal'];

  beforeEach(async () => {
    first = animals(kind);
    test = await createTestOrm([...Object.values(first), ...complianceEntities()]);
    const em: any = test.orm.em.fork();
    em.create(first.Dog, { id: 1, name: 'Rex', breed: 'Boxer' });
    em.create(first.Cat, { id: 2, name: 'Tom', lives: 7 });
    await em.flush();
    await em.getRepository(first.Animal).softDelete({});
  });
  afterEach(() => test.close());

  async function using<Result>(classes: Hierarchy, work: (repo: (of: keyof Hierarchy) => any) => Promise<Result>) {
    const entities = [...Object.values(classes), ...complianceEntities()];
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities });
    try {
      installSoftDelete(orm);
      return await work((of) => orm.em.fork().getRepository(classes[of]));
    } finally {
      await orm.close(true);
    }
  }
  const contents = async () => {
    const tables = kind === 'tpt' ? ['animal', 'dog', 'cat'] : ['animal'];
    const rows = await test.database.query(
      tables.map((name) => `select '${name}' as of, to_jsonb(t) as row from ${name} as t`).join(' union all '),
    );
    return Object.fromEntries(rows.map(({ of, row }) => [`${of} ${row.id}`, row]));
  };
  const restore = (of: keyof Hierarchy = 'Animal', where: unknown = {}) =>
    (test.orm.em.fork().getRepository(first[of]) as any).restore(where);
  const refused = async (column: string) => {
    for (const [of, where] of [
      ['Animal', {}],
      ['Dog', 1],
    ] as const) {
      const error = await restore(of, where).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error.conflicts).toEqual([{ reason: 'schema', entity: part, key: expect.any(Number), column }]);
    }
    expect(await contents()).toEqual({});
  };
  const own = (more: object) =>
    kind === 'tpt' ? { id: 1, ...more } : { id: 1, kind: 'dog', name: 'Rex', lives: null, ...more };

  it('come back with the default of a new column', async () => {
    await test.database.query(`alter table ${table} add legs int not null default 4`);
    expect((await restore()).affected).toEqual({ Animal: 2 });
    expect((await contents())[`${table} 1`]).toEqual(own({ breed: 'Boxer', legs: 4 }));
  });

  it('are refused where a new column is required', async () => {
    await test.database.query(`alter table ${table} add legs int not null`);
    await refused('legs');
  });

  it('are refused where a column was renamed, until that is declared', async () => {
    await test.database.query(`alter table ${table} rename breed to race`);
    await refused('breed');
    await using(animals(kind, 'race', { renamed: { breed: 'race' } }), async (repo) => {
      const found = await repo('Dog').onlyDeleted().find({ name: 'Rex' });
      expect(found.map(({ race }: any) => race)).toEqual(['Boxer']);
      expect((await repo('Animal').restore({})).total).toBe(2);
    });
    expect((await contents())[`${table} 1`]).toEqual(own({ race: 'Boxer' }));
  });

  it('are refused where a column has another type, until that is undone', async () => {
    await test.database.query(`alter table ${table} alter breed type text`);
    await refused('breed');
    await test.database.query(`alter table ${table} alter breed type varchar(255)`);
    expect((await restore()).total).toBe(2);
    expect((await contents())[`${table} 1`]).toEqual(own({ breed: 'Boxer' }));
  });

  it('are refused where a column was dropped, until that is declared', async () => {
    await test.database.query(`alter table ${table} drop breed`);
    await refused('breed');
    await using(animals(kind, 'legs', { dropped: ['breed'] }), (repo) => repo('Animal').restore({}));
    expect((await contents())[`${table} 1`]).toEqual(own({}));
  });

  if (kind === 'tpt') {
    it('come back where a column of a name that another table has as well was renamed', async () => {
      await test.database.query(`alter table dog rename breed to nickname; alter table dog rename nickname to label;
        alter table animal add breed text; insert into animal (id, name, breed) values (3, 'Hen', 'Layer')`);
      const later = animals('tpt', 'label', { renamed: { breed: 'label' } });
      Property({ type: 'text', nullable: true })(later.Animal.prototype, 'breed');
      await using(later, async (repo) => {
        await repo('Animal').softDelete(3);
        const found = await repo('Animal')
          .onlyDeleted()
          .find({}, { orderBy: { id: 1 } });
        expect(found.map((row: any) => [row.id, row.breed ?? null, row.label ?? null])).toEqual([
          [1, null, 'Boxer'],
          [2, null, null],
          [3, 'Layer', null],
        ]);
        expect((await repo('Animal').restore({})).total).toBe(3);
      });
      expect(await contents()).toMatchObject({
        'animal 1': { breed: null, name: 'Rex' },
        'animal 3': { breed: 'Layer', name: 'Hen' },
        'dog 1': { label: 'Boxer' },
      });
    });

    it('are refused where the table of an heir is gone', async () => {
      await test.database.query('drop table cat');
      const error = await restore().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error.conflicts).toEqual([{ reason: 'schema', entity: 'Cat', key: 2, column: '*' }]);
      expect((await restore('Animal', 1)).total).toBe(1);
    });
  }
});

import { PrimaryKeyProp, type Rel, types } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { RestoreConflictError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType, OTHER_SPELLINGS } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface ComparedType extends KeyType {
  /** The same value of a column `x`, written in another way. */
  readonly respelled?: string;
}

const NAMES = ['bytes', 'padded', 'moment', 'upper'];

/** Types whose values have a text of their own as keys, in a session, or in every row. */
const TYPES: readonly ComparedType[] = [
  ...[...KEY_TYPES, ...OTHER_SPELLINGS].filter(({ name }) => NAMES.includes(name)),
  { name: 'exact', column: { type: 'datetime', length: 6 }, value: (n) => new Date(`2026-01-0${n}T00:00:00.120Z`) },
  { name: 'folded', column: { type: 'string', columnType: 'citext' }, value: (n) => `Key-${n}`, respelled: 'upper(x)' },
  {
    name: 'scaled',
    column: { type: types.decimal, columnType: 'numeric' },
    value: (n) => `${n}.5`,
    respelled: 'x + 0.000',
  },
  { name: 'span', column: { type: types.interval }, value: (n) => `4${n}:00:00`, respelled: 'justify_hours(x)' },
];

/** A row with a key of one type, and rows that are archived before it and after it: by its key, by a key of two columns, and by another column. */
function family({ name, column, value, respelled = 'x' }: ComparedType) {
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_root` })
  class Root {
    @PrimaryKey(column as never)
    id!: any;
  }

  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_child` })
  class Child {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true, deleteRule: 'cascade' })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'integer' })
    part!: number;
  }

  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_leaf` })
  class Leaf {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Child, { deleteRule: 'cascade' })
    child!: Rel<Child>;
  }

  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_named` })
  class Named {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @Unique()
    @Property(column as never)
    code!: any;
  }

  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_follower` })
  class Follower {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Named, { targetKey: 'code' as never, deleteRule: 'cascade' })
    named!: Rel<Named>;
  }

  return { name, value, respelled, classes: { Root, Child, Leaf, Named, Follower } as Record<string, any> };
}

describe.each(TYPES.map(family))(
  'archived rows that point at archived ones by $name',
  ({ name, value, respelled, classes }) => {
    let test: TestOrm;
    const { Root, Child, Leaf, Named } = classes;
    const tables = ['root', 'child', 'leaf', 'named', 'follower'];

    beforeAll(async () => {
      test = await createTestOrm([...Object.values(classes), ...complianceEntities()], {}, {}, KEY_TYPES_SQL);
    });
    afterAll(() => test.close());

    beforeEach(async () => {
      await test.database.query(
        `begin; set local session_replication_role = replica; delete from deletion_archive; ${tables.map((table) => `delete from ${name}_${table}`).join('; ')}; commit`,
      );
      const em: any = test.orm.em.fork();
      const root = em.create(Root, { id: value(1) });
      em.create(Leaf, { id: 1, child: em.create(Child, { root, part: 1 }) });
      await em.flush();
      await em.insert(Named, { id: 1, code: value(2) });
      const spelled = (column: string) => respelled.replaceAll('x', column);
      await test.database.query(`
      insert into ${name}_follower select 1, ${spelled('code')} from ${name}_named;
      insert into ${name}_child select ${spelled('id')}, 2 from ${name}_root`);
    });

    const repo = (of: string): any => test.orm.em.fork().getRepository(classes[of] as never);
    const typeOf = async () =>
      (
        await test.database.query(
          `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '${name}_root'::regclass and attname = 'id'`,
        )
      )[0].type as string;
    const contents = async () =>
      (
        await test.database.query(
          tables.map((table) => `select '${table} ' || t::text as row from ${name}_${table} as t`).join(' union all '),
        )
      )
        .map(({ row }) => row as string)
        .toSorted();

    it.each([
      ['Leaf', 'Child', 'by a key of several columns'],
      ['Child', 'Root', 'by its key'],
      ['Follower', 'Named', 'by another column'],
    ])('knows of a %s that its %s is archived, which it points at %s', async (child, parent) => {
      const before = await contents();
      // One after the other, so that each has a unit of its own.
      for (const each of child === 'Child' ? ['Leaf', 'Child', 'Root'] : [child, parent]) {
        await repo(each).softDelete({});
      }
      const conflict = expect.objectContaining({ reason: 'parent-deleted', entity: classes[child].name });
      const conflicts = child === 'Child' ? [conflict, conflict] : [conflict];
      expect((await repo(child).restore({}, { dryRun: true })).conflicts).toEqual(conflicts);
      const error = await repo(child)
        .restore({})
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error.conflicts).toEqual(conflicts);

      const { affected } = await repo(child).restore({}, { withParents: true });
      const parents = parent === 'Child' ? expect.any(Number) : 1;
      expect(affected).toMatchObject({ [classes[child].name]: conflicts.length, [classes[parent].name]: parents });
      for (const each of ['Child', 'Leaf']) {
        await repo(each).restore({});
      }
      expect(await contents()).toEqual(before);
    });

    it('finds a row by its key however that is written, and takes rows with equal keys for rows with one key', async () => {
      await repo('Named').softDelete({});
      await repo('Root').softDelete({});
      const [{ key }] = await test.database.query(
        `select (${respelled.replaceAll('x', `cast(key as ${await typeOf()})`)})::text as key from deletion_archive where part = 'Root'`,
      );
      const asked = respelled === 'x' ? value(1) : key;
      expect((await repo('Root').restore(asked)).affected).toMatchObject({ Root: 1 });
      await repo('Root').softDelete({});
      await test.database.query(`insert into ${name}_root values ('${key}')`);
      await repo('Root').softDelete({});
      const { conflicts, total } = await repo('Root').restore({}, { dryRun: true });
      // Of rows with one text for their key, the one that was deleted last.
      expect([conflicts, total]).toEqual(
        respelled === 'x'
          ? [[], 1]
          : [[expect.objectContaining({ reason: 'key', conflictingWith: 'restored' })], expect.any(Number)],
      );
    });

    it('restores both at once, and tells parents that are gone for good', async () => {
      const before = await contents();
      await repo('Root').softDelete({});
      await repo('Named').softDelete({});
      await repo('Root').restore({});
      await repo('Named').restore({});
      expect(await contents()).toEqual(before);

      await repo('Follower').softDelete({});
      await test.database.query(`delete from ${name}_named`);
      expect((await repo('Follower').restore({}, { dryRun: true })).conflicts).toEqual([
        expect.objectContaining({ reason: 'parent-missing', entity: classes['Follower'].name, key: 1 }),
      ]);
    });
  },
);

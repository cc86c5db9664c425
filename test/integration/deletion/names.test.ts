import { Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveUnique,
  activeView,
  createPurge,
  SoftDeletable,
  SoftDeleteDoctor,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** What the library's SQL calls its own tables and columns. */
const ALIASES = (
  'a b c d e f g h i k l m n o p r s t u v w x e0 e1 k0 k1 r0 r1 key parent front behind active slot unit at now start own earliest ' +
  'locked asked owners going candidate standing clear blocked gone oldest part place via page pages due last name number type ' +
  'count columns deleted shown waited taken row rows table value values text this target select from where order group user read_only ' +
  'old new ordinality conflicting restored relation transaction'
).split(' ');

/** Names that need care wherever they are written, as far as the ORM's schema generator can write them. */
const QUOTED_TABLES = ['Upper', 'with space', "sin'gle", 'ümläut', 'x'.repeat(63), 'percent%s$1'];
const QUOTED_COLUMNS = [
  'Upper',
  'with space',
  "sin'gle",
  'ümläut',
  'x'.repeat(63),
  'percent%s',
  'dollar$1',
  'back\\slash',
  'do"uble',
  'as "c"',
];

/** Columns of every table, besides the given ones. */
function withColumns(names: readonly string[]): (target: { prototype: any }) => void {
  return ({ prototype }) =>
    names.forEach((fieldName, i) => Property({ type: 'text', fieldName, nullable: true })(prototype, `extra${i}`));
}

/** Entities whose tables, keys and columns have the given names. */
function world(tables: readonly string[], columns: readonly string[]) {
  const [folderTable, fileTable, labelTable, pivotTable, accessTable, shelfTable] = tables as string[];
  const [left, right, time, unique, parentLeft, parentRight, folderLeft, folderRight, id, spare] = columns as string[];
  const rest = (...taken: (string | undefined)[]) => columns.filter((column) => !taken.includes(column));

  abstract class Deletable {
    @Property({ type: 'datetime', fieldName: time!, columnType: 'timestamptz', nullable: true })
    deletedAt?: Date | null;
  }

  @SoftDeletable<any>({ relations: { files: 'cascade', children: 'cascade' }, retention: '1d' })
  @Entity({ tableName: folderTable!, repository: () => SoftDeleteRepository })
  @ActiveUnique({ properties: ['code'], name: 'folder_code' })
  @withColumns(rest(left, right, time, unique, parentLeft, parentRight))
  class Folder extends Deletable {
    [PrimaryKeyProp]?: ['left', 'right'];

    @PrimaryKey({ type: 'integer', fieldName: left! })
    left!: number;

    @PrimaryKey({ type: 'text', fieldName: right! })
    right!: string;

    @Property({ type: 'text', fieldName: unique!, nullable: true })
    code?: string | null;

    @ManyToOne(() => Folder, { fieldNames: [parentLeft!, parentRight!], nullable: true, deleteRule: 'no action' })
    parent?: any;

    @OneToMany(() => Folder, (folder: Folder) => folder.parent)
    children = new Collection<Folder>(this);

    @OneToMany(() => File, (file: File) => file.folder, { orphanRemoval: true })
    files = new Collection<File>(this);

    @ManyToMany(() => Label, undefined, {
      pivotTable: pivotTable!,
      joinColumns: [folderLeft!, folderRight!],
      inverseJoinColumn: id!,
      owner: true,
    })
    labels = new Collection<Label>(this);
  }

  @SoftDeletable<any>({ retention: '1d' })
  @Entity({ tableName: fileTable!, repository: () => SoftDeleteRepository })
  @withColumns(rest(left, right, time, unique, parentLeft, parentRight))
  class File extends Deletable {
    [PrimaryKeyProp]?: ['left', 'right'];

    @PrimaryKey({ type: 'integer', fieldName: left! })
    left!: number;

    @PrimaryKey({ type: 'text', fieldName: right! })
    right!: string;

    @ManyToOne(() => Folder, { fieldNames: [parentLeft!, parentRight!], nullable: true, deleteRule: 'cascade' })
    folder?: any;

    @ManyToOne(() => Shelf, { fieldName: unique!, nullable: true, deleteRule: 'cascade' })
    shelf?: any;
  }

  @SoftDeletable<any>({ relations: { accesses: 'restrict' }, retention: '1d' })
  @Entity({ tableName: labelTable!, repository: () => SoftDeleteRepository })
  @withColumns(rest(id, time))
  class Label extends Deletable {
    @PrimaryKey({ type: 'integer', fieldName: id! })
    id!: number;

    @OneToMany(() => Access, (access: Access) => access.label)
    accesses = new Collection<Access>(this);
  }

  /** A plain row that blocks. */
  @Entity({ tableName: accessTable! })
  @withColumns(rest(id, spare))
  class Access {
    @PrimaryKey({ type: 'integer', fieldName: id! })
    id!: number;

    @ManyToOne(() => Label, { fieldName: spare!, nullable: true, deleteRule: 'no action' })
    label?: Rel<Label>;
  }

  /** A plain row that takes files along. */
  @Entity({ tableName: shelfTable! })
  @withColumns(rest(id))
  class Shelf {
    @PrimaryKey({ type: 'integer', fieldName: id! })
    id!: number;
  }

  const ActiveFolder = activeView(Folder, { name: `${folderTable!.slice(0, 50)}_view` });
  return { entities: [Folder, File, Label, Access, Shelf] as any[], Folder, File, Label, Access, Shelf, ActiveFolder };
}

/** Portions of the names, so that each is that of a table once, of every kind of column and of a column that is not mapped to a role. */
function portions(names: readonly string[], step: number) {
  return Array.from({ length: Math.ceil(names.length / step) }, (_, i) => {
    const turned = [...names.slice(i * step), ...names.slice(0, i * step)];
    return { first: turned[0]!, tables: turned.slice(0, step), columns: [...turned.slice(1), turned[0]!] };
  });
}

const WORLDS = [
  ...portions(ALIASES, 6),
  // As tables of the other roles: a name that a statement gives to one of its parts hides the table.
  ...[
    'locked owners standing clear blocked going',
    'going locked owners candidate w clear',
    'standing going locked blocked owners candidate',
  ].map((names) => ({
    first: `${names.split(' ')[0]} again`,
    tables: names.split(' '),
    columns: [...ALIASES].toReversed(),
  })),
  { first: QUOTED_TABLES[0]!, tables: QUOTED_TABLES, columns: QUOTED_COLUMNS },
  {
    first: QUOTED_TABLES[5]!,
    tables: QUOTED_TABLES.toReversed(),
    columns: [...QUOTED_COLUMNS.slice(5), ...QUOTED_COLUMNS.slice(0, 5)],
  },
];

describe.each(WORLDS)('entities of tables and columns that are called $first and so on', ({ tables, columns }) => {
  const { entities, Folder, File, Label, Access, Shelf, ActiveFolder } = world(tables, columns);
  let test: TestOrm;
  let em: any;

  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const [folders, files, labels, pivot, accesses, shelves] = tables.map(quoted) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [left, , time] = columns.map(quoted) as [string, string, string];
  const state = async (table: string, key = left) =>
    (
      await test.database.query(
        `select "t".${key} as "key", "t".${time} is not null as "gone" from ${table} as "t" order by 1`,
      )
    ).map(({ key: value, gone }) => `${value}${gone ? ' deleted' : ''}`);
  const count = async (table: string) =>
    Number((await test.database.query(`select count(*) as "n" from ${table}`))[0].n);

  beforeAll(async () => {
    test = await createTestOrm([...entities, ActiveFolder]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`truncate ${[folders, files, labels, pivot, accesses, shelves].join(', ')}`);
    em = test.orm.em.fork();
    const folder = em.create(Folder, { left: 1, right: 'a', code: 'one' });
    const child = em.create(Folder, { left: 2, right: 'a', code: 'two', parent: folder });
    const shelf = em.create(Shelf, { id: 1 });
    em.create(File, { left: 1, right: 'f', folder, shelf });
    em.create(File, { left: 2, right: 'f', folder: child });
    const label = em.create(Label, { id: 1 });
    const other = em.create(Label, { id: 2 });
    em.create(Access, { id: 1, label });
    folder.labels.add(label, other);
    await em.flush();
    em = test.orm.em.fork();
  });

  it('deletes, restores and removes by key, list and condition', async () => {
    const repo = em.getRepository(Folder);
    const many = Array.from({ length: 150 }, (_, i) => [i + 1, 'a']);
    for (const target of [[1, 'a'], [[1, 'a']], many, { code: 'one' }, { files: { left: 1 } }]) {
      expect(await repo.softDelete(target)).toMatchObject({ total: 4 });
      expect(await state(folders)).toEqual(['1 deleted', '2 deleted']);
      expect(await state(files)).toEqual(['1 deleted', '2 deleted']);
      expect(await repo.restore(target)).toMatchObject({ total: target === many ? 4 : 4 });
      expect(await state(folders)).toEqual(['1', '2']);
      expect(await state(files)).toEqual(['1', '2']);
    }
    expect(await repo.hardDelete(many)).toBe(4);
    expect([await count(folders), await count(files), await count(pivot)]).toEqual([0, 0, 0]);
  });

  it('names what stands in the way', async () => {
    const repo = em.getRepository(Folder);
    await expect(em.getRepository(Label).softDelete(1)).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    await expect(em.getRepository(Label).hardDelete(1)).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    await repo.softDelete([1, 'a']);
    em.create(Folder, { left: 9, right: 'a', code: 'one' });
    await em.flush();
    await expect(repo.restore([1, 'a'])).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', key: [1, 'a'], conflictingKey: [9, 'a'], properties: ['code'] }],
    });
    await expect(em.getRepository(File).restore([1, 'f'])).rejects.toMatchObject({
      conflicts: [{ reason: 'parent-deleted', key: [1, 'f'], conflictingKey: [1, 'a'] }],
    });
    await em.getRepository(Folder).hardDelete([9, 'a']);
    expect(await em.getRepository(File).restore([1, 'f'], { withParents: true })).toMatchObject({ total: 2 });
  });

  it('tells loaded entities and collections', async () => {
    const repo = em.getRepository(Folder);
    const folder = await em.findOneOrFail(Folder, [1, 'a'], { populate: ['files', 'children', 'labels'] });
    await repo.softDelete([1, 'a']);
    expect([folder.deletedAt, folder.files.length, folder.children.length]).toEqual([expect.any(Date), 0, 0]);
    await repo.restore([1, 'a']);
    expect([folder.deletedAt, folder.files.length, folder.children.length]).toEqual([null, 1, 1]);
    await em.getRepository(Label).softDelete(2);
    expect(folder.labels.length).toBe(1);
    await em.getRepository(Label).restore(2);
    expect(folder.labels.length).toBe(2);
  });

  it('removes through the unit of work, in collections that were never loaded too', async () => {
    const folder = await em.findOneOrFail(Folder, [1, 'a']);
    folder.files.removeAll();
    folder.labels.set([em.getReference(Label, 2)]);
    await em.flush();
    expect(await state(files)).toEqual(['1 deleted', '2']);
    expect(await count(pivot)).toBe(1);
    em.remove(folder);
    await em.flush();
    expect(await state(folders)).toEqual(['1 deleted', '2 deleted']);
    expect(await state(files)).toEqual(['1 deleted', '2 deleted']);
  });

  it('refuses what the database would take along', async () => {
    em.remove(await em.findOneOrFail(Shelf, 1));
    await expect(em.flush()).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    await expect(em.fork().nativeDelete(Shelf, 1)).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    expect(await count(shelves)).toBe(1);
  });

  it('shows active rows in its view, and is understood by the doctor', async () => {
    await em.getRepository(Folder).softDelete([2, 'a']);
    expect(await em.find(ActiveFolder, {})).toMatchObject([{ left: 1 }]);
    await expect(new SoftDeleteDoctor(test.orm).examine()).resolves.toBeInstanceOf(Array);
  });

  it('purges what is due, circles and trees too, with hooks and without, and leaves what is needed', async () => {
    for (const hooked of [false, true]) {
      await test.database.query(`truncate ${[folders, files, labels, pivot, accesses, shelves].join(', ')}`);
      await em.clear();
      const made = Array.from({ length: 6 }, (_, i) => em.create(Folder, { left: i + 1, right: 'a' }));
      made[1].parent = made[0];
      made[3].parent = made[2];
      await em.flush();
      made[2].parent = made[3];
      made.forEach((folder, i) => em.create(File, { left: i + 1, right: 'f', folder }));
      const label = em.create(Label, { id: 1 });
      em.create(Label, { id: 2 });
      em.create(Access, { id: 1, label });
      made[0].labels.add(label);
      await em.flush();
      await test.database.query(
        [folders, files, labels].map((table) => `update ${table} set ${time} = now() - interval '2 days'`).join('; '),
      );
      await test.database.query(`update ${files} set ${time} = null where ${left} = 6`);
      const purge = createPurge(test.orm, { pauseBetweenBatches: 0 });
      const seen: unknown[] = [];
      if (hooked) {
        purge.registerHook(Folder, (rows: any[]) => void seen.push(...rows.map((row) => row.left)));
        purge.registerHook(File, (rows: any[]) => void seen.push(...rows.map((row) => row.left)));
      }
      expect(await purge.run({ dryRun: true })).toMatchObject({ outcome: 'completed' });
      expect(await purge.run()).toMatchObject({ outcome: 'completed' });
      expect(await purge.status()).toBeDefined();
      expect([await state(files), await count(labels)]).toEqual([['6'], 1]);
      expect(await state(folders)).toEqual(['6 deleted']);
      expect(seen.length).toBe(hooked ? 10 : 0);
    }
  });
});

import { Cascade, Collection, defineEntity, helper, p, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  installSoftDelete,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Folder>({ deletedBy: 'deletedBy' })
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;

  @Property({ type: 'number', version: true })
  version!: number;

  @ManyToOne(() => Folder, { nullable: true })
  parent?: Rel<Folder> | null;

  @OneToMany(() => Folder, (folder) => folder.parent, { cascade: [Cascade.ALL] })
  folders = new Collection<Folder>(this);

  @OneToMany(() => Page, (page) => page.folder, { cascade: [Cascade.ALL] })
  pages = new Collection<Page>(this);
}

/** Its timestamp and actor have column names that no naming strategy would give. */
@SoftDeletable<Page>({ property: 'goneAt', deletedBy: 'goneBy' })
@ActiveUnique({ properties: ['title'] })
@Entity()
class Page {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'timestamptz', nullable: true, fieldName: 'gone at' })
  goneAt?: Date | null;

  @Property({ type: 'string', length: 20, nullable: true, fieldName: 'gone "by"' })
  goneBy?: string | null;

  @ManyToOne(() => Folder)
  folder!: Rel<Folder>;
}

/** The root of a hierarchy of joined tables. */
@SoftDeletable<Vehicle>({ deletedBy: 'deletedBy' })
@Entity({ inheritance: 'tpt' })
abstract class Vehicle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;
}

@Entity()
class Car extends Vehicle {
  @Property({ type: 'number' })
  doors!: number;
}

const LabelSchema = softDeletable(
  defineEntity({
    name: 'Label',
    properties: {
      id: p.integer().primary(),
      text: p.string(),
      deletedAt: p.datetime().nullable(),
      deletedBy: p.string().nullable(),
    },
  }),
  { deletedBy: 'deletedBy' },
);

describe('deletedBy', () => {
  let test: TestOrm;
  let em: EntityManager;
  let actor: string | undefined;

  beforeAll(async () => {
    test = await createTestOrm([Folder, Page, Vehicle, Car, LabelSchema], {}, { actor: () => actor });
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate folder, page, vehicle, car, label restart identity cascade;
      insert into folder (name, parent_id) values ('root', null), ('inner', 1), ('other', null);
      insert into page (title, folder_id) values ('p1', 1), ('p2', 2), ('p3', 3);
      insert into vehicle (id) values (1), (2); insert into car (id, doors) values (1, 3), (2, 5);
      insert into label (id, text) values (1, 'red'), (2, 'blue');
    `);
    em = test.orm.em.fork() as EntityManager;
    actor = 'ada';
    test.statements.length = 0;
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const by = async (table: string, column = 'deleted_by') =>
    (await test.database.query(`select "${column.replaceAll('"', '""')}" as by from ${table} order by id`)).map(
      (row) => row.by as string | null,
    );
  const updates = () => test.statements.filter((sql) => /update/i.test(sql) && !/for update/i.test(sql));

  it('is written by softDelete() in the statement of the timestamp, cascaded rows included', async () => {
    await repository(Folder).softDelete(1);
    expect(await by('folder')).toEqual(['ada', 'ada', null]);
    expect(await by('page', 'gone "by"')).toEqual(['ada', 'ada', null]);
    expect(updates().every((sql) => sql.includes('deleted_by') || sql.includes('gone "'))).toBe(true);
    await repository(Page).softDelete(3, { actor: 'bob' });
    expect(await by('page', 'gone "by"')).toEqual(['ada', 'ada', 'bob']);
  });

  it('is written by a flush: to what was named, one or many, and to what was cascaded to', async () => {
    em.remove(await em.findOneOrFail(Folder, 1));
    await em.flush();
    expect(await by('folder')).toEqual(['ada', 'ada', null]);
    expect(await by('page', 'gone "by"')).toEqual(['ada', 'ada', null]);
    const other = test.orm.em.fork() as EntityManager;
    for (const label of await other.find(LabelSchema, {})) {
      other.remove(label);
    }
    await withDeletionContext({ actor: 'job' }, () => other.flush());
    expect(await by('label')).toEqual(['job', 'job']);
    const page = test.orm.em.fork() as EntityManager;
    page.remove(page.getReference(Page, 3));
    await page.flush();
    expect(await by('page', 'gone "by"')).toEqual(['ada', 'ada', 'ada']);
  });

  it('is written to the root of joined tables by both doors, and cleared there', async () => {
    em.remove(await em.findOneOrFail(Car, 1));
    await em.flush();
    await repository(Car).softDelete(2, { actor: 'bob' });
    expect(await by('vehicle')).toEqual(['ada', 'bob']);
    await repository(Car).restore([1, 2]);
    expect(await by('vehicle')).toEqual([null, null]);
  });

  it('is null where nobody is known, whatever the row held', async () => {
    await test.database.query(`update folder set deleted_by = 'stale'; update label set deleted_by = 'stale'`);
    actor = undefined;
    await repository(Folder).softDelete(3);
    em.remove(await em.findOneOrFail(LabelSchema, 1));
    await em.flush();
    expect(await by('folder')).toEqual(['stale', 'stale', null]);
    expect(await by('label')).toEqual([null, 'stale']);
  });

  it('stays that of whoever deleted first', async () => {
    await repository(Folder).softDelete(3, { actor: 'first' });
    await repository(Folder).softDelete(3, { actor: 'second' });
    const stale = test.orm.em.fork() as EntityManager;
    const label = await stale.findOneOrFail(LabelSchema, 1);
    await (em.getRepository(LabelSchema) as unknown as SoftDeleteRepository<any>).softDelete(1, { actor: 'first' });
    stale.remove(label);
    await withDeletionContext({ actor: 'second' }, () => stale.flush());
    expect(await by('folder')).toEqual([null, null, 'first']);
    expect(await by('label')).toEqual(['first', null]);
    expect(label.deletedBy).toBe('first');
  });

  it('is cleared by restore(), parents included, and by restoreOrCreate()', async () => {
    await repository(Folder).softDelete(1);
    await repository(Page).restore(2, { withParents: true });
    expect(await by('folder')).toEqual([null, null, null]);
    expect(await by('page', 'gone "by"')).toEqual(['ada', null, null]);
    await repository(Page).restoreOrCreate({ title: 'p1' }, { title: 'p1', folder: 1 } as never);
    expect(await by('page', 'gone "by"')).toEqual([null, null, null]);
  });

  describe.each(['repository', 'flush'] as const)('in memory, through the %s door', (door) => {
    const remove = async (folder: Folder, manager = em) => {
      if (door === 'repository') {
        await repository(Folder, manager).softDelete(folder);
      } else {
        await manager.remove(folder).flush();
      }
    };

    it('equals the row, of what was cascaded to as well, and a further flush writes nothing', async () => {
      const folder = await em.findOneOrFail(Folder, 1, { populate: ['folders', 'pages'] });
      const [inner] = folder.folders.getItems();
      const [page] = folder.pages.getItems();
      const bare = em.getReference(Page, 2);
      await remove(folder);
      expect([folder.deletedBy, inner!.deletedBy, page!.goneBy, bare.goneBy]).toEqual(['ada', 'ada', 'ada', 'ada']);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
      await repository(Folder).restore(folder);
      expect([folder.deletedBy, inner!.deletedBy, page!.goneBy, bare.goneBy]).toEqual([null, null, null, null]);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    it('is put back by a rollback, and a further flush writes nothing', async () => {
      const folder = await em.findOneOrFail(Folder, 1, { populate: ['folders', 'pages'] });
      const [page] = folder.pages.getItems();
      await em.begin();
      await remove(folder);
      expect(folder.deletedBy).toBe('ada');
      await em.rollback();
      expect([folder.deletedBy ?? null, folder.deletedAt ?? null, page!.goneBy ?? null]).toEqual([null, null, null]);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
      expect(await by('folder')).toEqual([null, null, null]);
    });

    it('is the actor, not what somebody had set and not saved', async () => {
      const folder = await em.findOneOrFail(Folder, 3);
      if (door === 'flush') {
        folder.deletedBy = 'mallory';
      }
      await remove(folder);
      expect([folder.deletedBy, (await by('folder'))[2]]).toEqual(['ada', 'ada']);
      const original = helper(folder).__originalEntityData as Record<string, unknown>;
      expect(original['deletedBy']).toBe('ada');
    });
  });

  it('keeps the version in step', async () => {
    const folder = await em.findOneOrFail(Folder, 3);
    await repository(Folder).softDelete(folder);
    await repository(Folder).restore(folder);
    folder.name = 'renamed';
    await em.flush();
    expect(await test.database.query('select version, name from folder where id = 3')).toEqual([
      { version: 4, name: 'renamed' },
    ]);
  });

  it.each([
    ['is not there', { id: p.integer().primary(), deletedAt: p.datetime().nullable() }],
    ['is not nullable', { id: p.integer().primary(), deletedAt: p.datetime().nullable(), deletedBy: p.string() }],
    [
      'is no text',
      { id: p.integer().primary(), deletedAt: p.datetime().nullable(), deletedBy: p.integer().nullable() },
    ],
    ['is json', { id: p.integer().primary(), deletedAt: p.datetime().nullable(), deletedBy: p.json().nullable() }],
    [
      'is not persisted',
      {
        id: p.integer().primary(),
        deletedAt: p.datetime().nullable(),
        deletedBy: p.string().nullable().persist(false),
      },
    ],
  ])('is refused at start-up if its property %s', async (_what, properties) => {
    const schema = softDeletable(
      defineEntity({ name: 'Wrong', properties } as never) as never,
      {
        deletedBy: 'deletedBy',
      } as never,
    );
    const orm = await MikroORM.init({ entities: [schema as never], dbName: 'none', connect: false } as never);
    expect(() => installSoftDelete(orm as never)).toThrow(
      expect.objectContaining({ code: 'SOFT_DELETE_CONFIG', option: '@SoftDeletable() on Wrong, deletedBy' }),
    );
    await orm.close(true);
  });

  it('is refused where the mark is made if it is no name', () => {
    expect(() => SoftDeletable({ deletedBy: 7 as never })(class Odd extends SoftDeletableEntity {})).toThrow(
      'deletedBy',
    );
  });
});

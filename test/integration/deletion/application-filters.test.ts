import {
  EntityManager as OrmManager,
  Collection,
  type Dictionary,
  type EntityManager,
  type FilterOptions,
  type Rel,
} from '@mikro-orm/core';
import { Entity, Filter, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveUnique,
  DeletedRowError,
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { inScope } from '../../support/in-scope.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Filter({ name: 'published', cond: { published: true } })
@Entity({ repository: () => SoftDeleteRepository })
@ActiveUnique({ properties: ['slug'] })
class Page extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  tenant!: number;

  @Property({ type: 'string' })
  slug!: string;

  @Property({ type: 'boolean', default: true })
  published = true;

  @ManyToOne(() => Site)
  site!: Rel<Site>;

  @ManyToOne(() => Page, { nullable: true, deleteRule: 'cascade' })
  parent?: Rel<Page> | null;

  @OneToMany(() => Page, (page) => page.parent)
  children = new Collection<Page>(this);
}

@Entity()
class Site {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  owner!: string;
}

/** Plain, and its key would take pages along. */
@Entity()
class Domain {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Certificate, (certificate) => certificate.domain)
  certificates = new Collection<Certificate>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Certificate extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  tenant!: number;

  @ManyToOne(() => Domain, { deleteRule: 'cascade' })
  domain!: Rel<Domain>;
}

const tenantOf = ({ tenant }: Dictionary) => ({ tenant });

/** Each of them on an entity manager of its own, beside no other. */
const KINDS: Record<string, { filters: Dictionary; prepare?: (em: EntityManager) => void; options?: FilterOptions }> = {
  'a condition by default': { filters: { tenant: { cond: { tenant: 1 }, default: true } } },
  'one that is off by default': { filters: { tenant: { cond: { tenant: 1 }, default: false } } },
  'one that the call switches on': {
    filters: { tenant: { cond: { tenant: 1 }, default: false } },
    options: ['tenant'],
  },
  'one that the call switches off': {
    filters: { tenant: { cond: { tenant: 1 }, default: true } },
    options: { tenant: false },
  },
  'one that is off with all others': { filters: { tenant: { cond: { tenant: 1 }, default: true } }, options: false },
  'parameters of the entity manager': {
    filters: { tenant: { cond: tenantOf, default: true } },
    prepare: (em) => em.setFilterParams('tenant', { tenant: 1 }),
  },
  'parameters of the call': {
    filters: { tenant: { cond: tenantOf, default: true } },
    prepare: (em) => em.setFilterParams('tenant', { tenant: 1 }),
    options: { tenant: { tenant: 2 } },
  },
  'no parameters': { filters: { tenant: { cond: tenantOf, default: true } } },
  'a callback without parameters': {
    filters: { tenant: { cond: () => ({ tenant: 2 }), default: true, args: false } },
  },
  'a callback that asks the database': {
    filters: {
      tenant: {
        cond: async (_args: unknown, _type: string, em: EntityManager) => ({
          site: { $in: (await em.find(Site, { owner: 'b' })).map(({ id }) => id) },
        }),
        default: true,
        args: false,
      },
    },
  },
  'a callback that goes by the kind of operation': {
    filters: {
      tenant: {
        cond: (_args: unknown, type: string, _em: unknown, _options: unknown, entity: string) => ({
          tenant: type === 'delete' && entity === 'Page' ? 2 : 1,
        }),
        default: true,
        args: false,
      },
    },
  },
  'a condition through a relation': { filters: { owner: { cond: { site: { owner: 'b' } }, default: true } } },
  'a condition through a relation to many': {
    filters: { parents: { cond: { children: { $some: { tenant: 1 } } }, default: true } },
  },
  'two of them': {
    filters: {
      tenant: { cond: { tenant: 1 }, default: true },
      owner: { cond: { $or: [{ site: { owner: 'b' } }, { slug: 'p1' }] }, default: true },
    },
  },
  'one on the entity': { filters: {}, options: { published: true } },
};

describe('the filters of the application', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Page, Site, Domain, Certificate]);
  });

  beforeEach(async () => {
    await test.database.query(`
      truncate page, site, domain, certificate;
      insert into site (id, owner) values (1, 'a'), (2, 'b');
      insert into page (id, tenant, slug, site_id, published, parent_id) values
        (1, 1, 'p1', 1, true, null), (2, 1, 'p2', 2, false, null), (3, 2, 'p3', 1, true, null),
        (4, 2, 'p4', 2, true, null), (5, 1, 'p5', 1, true, 3), (6, 2, 'p6', 2, false, 1)`);
  });

  afterAll(() => test.close());

  const fork = (kind: (typeof KINDS)[string]) => {
    const em = test.orm.em.fork();
    for (const [name, filter] of Object.entries(kind.filters)) {
      em.addFilter({ name, entity: [Page], ...filter });
    }
    kind.prepare?.(em);
    return em;
  };
  const repository = (em: EntityManager<any>) => em.getRepository(Page) as unknown as SoftDeleteRepository<Page>;
  const ids = async (state: string) =>
    (await test.database.query(`select id from page where ${state} order by id`)).map(({ id }) => id as number);

  /** What the ORM's own `nativeDelete()` reaches: with deleted rows, if asked to, in a transaction that does not last. */
  async function reached(kind: (typeof KINDS)[string], where: object, everyRow: boolean): Promise<number[] | Error> {
    const em = fork(kind);
    const named = Array.isArray(kind.options)
      ? Object.fromEntries(kind.options.map((name) => [name, true]))
      : kind.options;
    const filters =
      everyRow && named !== false ? { ...(named as object | undefined), softDelete: false } : kind.options;
    let found: number[] = [];
    try {
      await em.transactional(async (tx) => {
        await tx.execute('alter table page disable trigger all');
        await tx.execute('alter table page drop constraint page_parent_id_foreign');
        const before = await tx.execute('select id from page where deleted_at is null or ? order by id', [everyRow]);
        await OrmManager.prototype.nativeDelete.call(tx, Page, where, filters === undefined ? {} : { filters });
        const after = await tx.execute('select id from page');
        found = before.map(({ id }) => id).filter((id) => !after.some((row) => row.id === id));
        throw new Error('no more');
      });
    } catch (error) {
      if ((error as Error).message !== 'no more') {
        return error as Error;
      }
    }
    return found;
  }

  /** What a deletion takes along, whoever sees it. */
  const withChildren = async (parents: number[] | Error) =>
    parents instanceof Error ? parents : ids(`id = any('{${parents}}') or parent_id = any('{${parents}}')`);

  async function expectSame(expected: number[] | Error, run: () => Promise<unknown>, state: string) {
    if (expected instanceof Error) {
      const before = await test.database.query('select * from page order by id');
      await expect(run()).rejects.toThrow(expected.message);
      expect(await test.database.query('select * from page order by id')).toEqual(before);
    } else {
      await run();
      expect(await ids(state)).toEqual(expected);
    }
  }

  it("of the ORM's configuration apply beside the one of this package", async () => {
    const tenant = { name: 'tenant', cond: { tenant: 1 }, default: true, entity: ['Page'] };
    const other = await createTestOrm([Page, Site, Domain, Certificate], { filters: { tenant } });
    try {
      await other.database.query(`
        insert into site (id, owner) values (1, 'a');
        insert into page (id, tenant, slug, site_id, deleted_at) values (1, 1, 'a', 1, null), (2, 2, 'b', 1, null), (3, 1, 'c', 1, now())`);
      const pages = other.orm.em.fork().getRepository(Page);
      expect((await pages.find({})).map(({ id }) => id)).toEqual([1]);
      expect(await pages.nativeDelete({})).toBe(1);
      expect(await other.database.query('select id from page where deleted_at is null')).toEqual([{ id: 2 }]);
    } finally {
      await other.close();
    }
  });

  describe.each(Object.entries(KINDS))('%s', (_name, kind) => {
    const options = kind.options === undefined ? undefined : { filters: kind.options };
    const targets: [string, unknown, object][] = [
      ['everything', {}, {}],
      ['a condition', { slug: { $ne: 'p4' } }, { slug: { $ne: 'p4' } }],
      ['a key', 4, { id: 4 }],
      ['a list', [1, 2, 4], { id: [1, 2, 4] }],
    ];

    beforeEach(() => test.database.query("update page set parent_id = case id when 5 then 3 end, slug = 'p' || id"));

    it.each(targets)('bounds what is soft-deleted: %s', async (_target, target, where) => {
      await expectSame(
        await withChildren(await reached(kind, where, false)),
        () => repository(fork(kind)).softDelete(target as never, options),
        'deleted_at is not null',
      );
    });

    it('bounds nativeDelete()', async () => {
      await test.database.query('update page set parent_id = null');
      await expectSame(
        await reached(kind, {}, false),
        () => repository(fork(kind)).nativeDelete({}, options),
        'deleted_at is not null',
      );
    });

    it.each(targets)('bounds what is removed: %s', async (_target, target, where) => {
      await test.database.query(
        'update page set parent_id = null; update page set deleted_at = now() where id in (1, 4)',
      );
      const before = await ids('true');
      const expected = await reached(kind, where, true);
      const left = expected instanceof Error ? expected : before.filter((id) => !expected.includes(id));
      await expectSame(left, () => repository(fork(kind)).hardDelete(target as never, options), 'true');
    });

    it.each(targets)('bounds what is restored: %s', async (_target, target, where) => {
      await test.database.query(`
        update page set parent_id = null; update page set deleted_at = now() + id * interval '1 s' where id in (1, 2, 3, 4)`);
      const found = await reached(kind, where, true);
      const deleted = await ids('deleted_at is not null');
      const left = found instanceof Error ? found : deleted.filter((id) => !found.includes(id));
      await expectSame(left, () => repository(fork(kind)).restore(target as never, options), 'deleted_at is not null');
    });

    it('is asked the same under the scope of a request', async () => {
      await test.database.query('update page set parent_id = null');
      const em = fork(kind);
      await expectSame(
        await reached(kind, {}, false),
        () => inScope(em, 'with', () => repository(em).softDelete({}, options)),
        'deleted_at is not null',
      );
    });
  });

  const tenant = () => fork(KINDS['parameters of the entity manager']!);

  it('bounds entities as targets', async () => {
    const em = tenant();
    const pages = await em.find(Page, {}, { filters: { tenant: false } });
    await repository(em).softDelete(pages.filter(({ id }) => id !== 1));
    // The fifth page is behind the third one, which is another tenant's.
    expect(await ids('deleted_at is not null')).toEqual([2, 5]);
  });

  it('does not bound what a deletion takes along, nor what comes back with it', async () => {
    await repository(tenant()).softDelete(1);
    expect(await ids('deleted_at is not null')).toEqual([1, 6]);
    const em = tenant();
    const page = await em.findOneOrFail(Page, { id: 1 }, { filters: { softDelete: false }, populate: ['children'] });
    await repository(em).restore(1);
    expect(await ids('deleted_at is not null')).toEqual([]);
    // The row that came back with it is hidden from this tenant.
    expect(page.children.getItems()).toEqual([]);
    await repository(tenant()).softDelete(1);
    expect(await repository(tenant()).hardDelete(1)).toBe(2);
    expect(await ids('true')).toEqual([2, 3, 4, 5]);
  });

  it('does not hide what is in the way of a restoration', async () => {
    await repository(tenant()).softDelete(2);
    await test.database.query("update page set slug = 'p2' where id = 4");
    await expect(repository(tenant()).restore(2)).rejects.toThrow(RestoreConflictError);
    await test.database.query("update page set slug = 'p4' where id = 4");
    await repository(test.orm.em.fork()).softDelete(3);
    // The parent is another tenant's.
    await test.database.query("update page set deleted_at = '2020-01-01' where id = 5");
    await expect(repository(tenant()).restore(5)).rejects.toThrow(RestoreConflictError);
  });

  it('finds and restores for restoreOrCreate() what it shows', async () => {
    await repository(test.orm.em.fork()).softDelete([1, 4]);
    const { restored } = await repository(tenant()).restoreOrCreate({ slug: 'p1' }, { slug: 'p1' } as never);
    expect(restored).toBe(true);
    const site = test.orm.em.fork().getReference(Site, 2);
    const { entity } = await repository(tenant()).restoreOrCreate({ slug: 'p4' }, {
      id: 9,
      tenant: 1,
      slug: 'p4',
      site,
    } as never);
    expect(entity.id).toBe(9);
    expect(await ids('deleted_at is not null')).toEqual([4]);
  });

  it('does not let upsert() write to a deleted row that it hides', async () => {
    await repository(test.orm.em.fork()).softDelete(4);
    const row = { id: 4, tenant: 1, slug: 'taken over', site: 1, published: true };
    await expect(repository(tenant()).upsert(row as never)).rejects.toThrow(DeletedRowError);
    expect(await test.database.query('select slug from page where id = 4')).toEqual([{ slug: 'p4' }]);
  });

  it('bounds nativeUpdate()', async () => {
    await repository(tenant()).nativeUpdate({}, { tenant: 7 } as never, { filters: { tenant: { tenant: 2 } } });
    expect(await ids('tenant = 7')).toEqual([3, 4, 6]);
  });

  it('does not hide rows from the check for physical cascades', async () => {
    await test.database.query(
      'insert into domain (id) values (1); insert into certificate (id, tenant, domain_id) values (1, 2, 1)',
    );
    const em = test.orm.em.fork();
    em.addFilter({ name: 'tenant', entity: [Certificate], cond: { tenant: 1 }, default: true });
    em.remove(await em.findOneOrFail(Domain, 1));
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await test.database.query('select id from certificate')).toEqual([{ id: 1 }]);
  });
});

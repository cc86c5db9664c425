import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import {
  Entity,
  Enum,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  DeletionRestrictedError,
  PurgeService,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Site>({ retention: '30d', relations: { pinned: 'restrict' } })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { blog: 'Blog', wiki: 'Wiki' } as never })
class Site extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Enum({ items: ['blog', 'wiki'] })
  kind!: 'blog' | 'wiki';

  @OneToMany({ entity: () => Memo, mappedBy: 'site', where: { pinned: true } })
  pinned = new Collection<Memo>(this);
}

/** Owns the drafts among its memos. A wiki owns none. */
@Entity()
class Blog extends Site {
  @OneToMany({ entity: () => Memo, mappedBy: 'site', where: { state: 'draft' }, cascade: [Cascade.ALL] })
  drafts = new Collection<Memo>(this);

  /** Those that were made for it. */
  @ManyToMany({ entity: () => Badge, where: { own: true }, cascade: [Cascade.ALL], pivotTable: 'site_badge' })
  badges = new Collection<Badge>(this);

  @OneToOne({ entity: () => Layout, owner: true, nullable: true, unique: false, cascade: [Cascade.ALL] })
  layout?: Rel<Layout> | null;
}

@Entity()
class Badge {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'boolean' })
  own!: boolean;
}

@Entity()
class Layout {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity()
class Wiki extends Site {}

@Entity()
class Memo {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  state?: string | null;

  @Property({ type: 'boolean', nullable: true })
  pinned?: boolean | null;

  @ManyToOne({ entity: () => Site, index: true, deleteRule: 'restrict' })
  site!: Rel<Site>;
}

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Site, Blog, Wiki, Memo, Badge, Layout]);
  });
  afterAll(() => test.close());

  const ids = async (table: string) =>
    (await test.database.query(`select id from ${table} order by id`)).map(({ id }) => id);

  it('removes plain rows that keys and links of the row point at, if they are members of the relation', async () => {
    await test.database.query(`
      truncate site, memo, badge, layout, site_badge;
      insert into badge (id, own) values (1, true), (2, false), (3, true), (4, true);
      insert into layout (id) values (1), (2), (3);
      insert into site (id, kind, layout_id, deleted_at) values (1, 'blog', 1, now() - interval '40 days'), (2, 'blog', 2, null),
        (3, 'wiki', null, now() - interval '40 days');
      insert into site_badge (site_id, badge_id) values (1, 1), (1, 2), (2, 3)`);
    const report = await createPurge(test.orm, { brake: false }).run();
    expect(report).toMatchObject({ total: 2, entities: [{ entity: 'Site', purged: 2, blocked: 0, failed: 0 }] });
    await expect(ids('site')).resolves.toEqual([2]);
    await expect(ids('badge')).resolves.toEqual([2, 3, 4]);
    await expect(ids('layout')).resolves.toEqual([2, 3]);
    await expect(test.database.query('select site_id, badge_id from site_badge')).resolves.toEqual([
      { site_id: 2, badge_id: 3 },
    ]);
  });

  it.each([
    { memo: 'a draft of a blog', kind: 'blog', state: "'draft'", pinned: 'false', goes: true },
    { memo: 'a draft that may be pinned', kind: 'blog', state: "'draft'", pinned: 'null', goes: true },
    {
      memo: 'a draft that another relation wants to stay',
      kind: 'blog',
      state: "'draft'",
      pinned: 'true',
      goes: false,
    },
    { memo: 'a memo that is no draft', kind: 'blog', state: "'live'", pinned: 'false', goes: false },
    { memo: 'a memo of which nobody knows', kind: 'blog', state: 'null', pinned: 'null', goes: false },
    { memo: 'a draft of a site of another class', kind: 'wiki', state: "'draft'", pinned: 'false', goes: false },
    { memo: 'the same beside an active blog', kind: 'wiki', state: "'draft'", pinned: 'false', goes: false, others: 1 },
  ])('removes the plain members of a relation and is blocked by all others: $memo', async (row) => {
    await test.database.query(`
      truncate site, memo cascade;
      insert into site (id, kind, deleted_at) values (1, '${row.kind}', now() - interval '40 days');
      insert into site (id, kind) select n + 1, 'blog' from generate_series(1, ${row.others ?? 0}) as n;
      insert into memo (id, site_id, state, pinned) values (1, 1, ${row.state}, ${row.pinned})`);
    const run = async (dryRun: boolean) => (await createPurge(test.orm).run({ dryRun })).entities[0]!;
    const rehearsed = await run(true);
    const figures = { purged: Number(row.goes), blocked: Number(!row.goes), failed: 0, locked: 0 };
    expect(rehearsed).toMatchObject(figures);

    const em = test.orm.em.fork() as EntityManager;
    const removal = (em.getRepository(Site) as unknown as SoftDeleteRepository<Site>).hardDelete(1, { dryRun: true });
    await expect(removal).resolves.toMatchObject({ total: row.goes ? 2 : 1 });
    expect((await removal).restrictions.length > 0).toBe(!row.goes);

    await expect(run(false)).resolves.toMatchObject(figures);
    await expect(ids('site')).resolves.toEqual([...(row.goes ? [] : [1]), ...(row.others ? [2] : [])]);
    await expect(ids('memo')).resolves.toEqual(row.goes ? [] : [1]);
    if (!row.goes) {
      const again = test.orm.em.fork().getRepository(Site) as unknown as SoftDeleteRepository<Site>;
      await expect(again.hardDelete(1)).rejects.toThrow(DeletionRestrictedError);
      await expect(ids('memo')).resolves.toEqual([1]);
    }
  });
});

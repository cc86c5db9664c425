import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, Enum, ManyToMany, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { createPurge, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const KINDS = { blog: 'Blog', photo: 'PhotoBlog', wiki: 'Wiki', forum: 'Forum', vault: 'Vault' };

@SoftDeletable<any>({ retention: '30d', relations: { treasures: 'restrict' } })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: KINDS as never, repository: () => SoftDeleteRepository })
class Site extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Enum({ items: Object.keys(KINDS) })
  kind!: string;
}

/** Takes its badges and its own stickers along. */
@SoftDeletable<Blog>({ retention: '30d' })
@Entity()
class Blog extends Site {
  @ManyToMany({ entity: () => Badge, pivotTable: 'site_badge', cascade: [Cascade.ALL] })
  badges = new Collection<Badge>(this);

  @ManyToMany({ entity: () => Sticker, pivotTable: 'site_sticker', where: { own: true }, cascade: [Cascade.ALL] })
  stickers = new Collection<Sticker>(this);

  @ManyToMany({
    entity: () => Tag,
    pivotTable: 'taggables',
    discriminator: 'taggable',
    owner: true,
    cascade: [Cascade.ALL],
  })
  tags = new Collection<Tag>(this);

  @ManyToOne({ entity: () => Theme, nullable: true, fieldName: 'theme_id', cascade: [Cascade.ALL] })
  theme?: Rel<Theme> | null;

  @ManyToOne({ entity: () => Layout, nullable: true, fieldName: 'layout_id', cascade: [Cascade.ALL] })
  layout?: Rel<Layout> | null;
}

@Entity()
class PhotoBlog extends Blog {}

/** Leaves them. */
@Entity()
class Wiki extends Site {
  @ManyToMany({ entity: () => Badge, pivotTable: 'site_badge' })
  shields = new Collection<Badge>(this);

  @ManyToOne({ entity: () => Theme, nullable: true, fieldName: 'theme_id' })
  borrowed?: Rel<Theme> | null;

  @ManyToOne({ entity: () => Layout, nullable: true, fieldName: 'layout_id' })
  cover?: Rel<Layout> | null;
}

/** Lets nobody delete it while it has some. */
@Entity()
class Vault extends Site {
  @ManyToMany({ entity: () => Badge, pivotTable: 'site_badge' })
  treasures = new Collection<Badge>(this);
}

/** Knows nothing of them. */
@Entity()
class Forum extends Site {}

@SoftDeletable({ retention: '30d' })
@Entity()
class Badge extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity()
class Sticker {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'boolean' })
  own!: boolean;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Theme extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity()
class Layout {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Tag extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

describe('relations from one class of a hierarchy to what its rows point at', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Site, Blog, PhotoBlog, Wiki, Forum, Vault, Badge, Sticker, Tag, Theme, Layout]);
  });
  beforeEach(() =>
    test.database.query(`
      truncate theme, layout, site, badge, sticker, tag, site_badge, site_sticker, taggables;
      insert into theme (id) values (1), (2), (3), (4);
      insert into layout (id) values (1), (2), (3), (4);
      insert into site (id, kind, theme_id, layout_id)
        values (1, 'blog', 1, 1), (2, 'photo', 2, 2), (3, 'wiki', 3, 3), (4, 'forum', 4, 4);
      insert into badge (id) values (1), (2), (3), (4);
      insert into sticker (id, own) values (1, true), (2, true), (3, true), (4, true), (5, false);
      insert into tag (id) values (1), (2), (3), (4);
      insert into site_badge (site_id, badge_id) values (1, 1), (2, 2), (3, 3), (4, 4);
      insert into site_sticker (site_id, sticker_id) values (1, 1), (2, 2), (3, 3), (4, 4), (1, 5);
      insert into taggables (taggable_type, taggable_id, tag_id) values ('site', 1, 1), ('site', 2, 2), ('site', 3, 3), ('site', 4, 4)`),
  );
  afterAll(() => test.close());

  const repo = (entity: any): any => test.orm.em.fork().getRepository(entity);
  const ids = async (sql: string) => (await test.database.query(sql)).map(({ id }) => id);
  const gone = (table: string) => ids(`select id from ${table} where deleted_at is not null order by id`);

  it('are followed from rows of this class and of those below it', async () => {
    const preview = await repo(Site).softDelete([1, 2, 3, 4], { dryRun: true });
    await repo(Site).softDelete([1, 2, 3, 4]);
    await expect(gone('site')).resolves.toEqual([1, 2, 3, 4]);
    await expect(gone('badge')).resolves.toEqual([1, 2]);
    await expect(gone('tag')).resolves.toEqual([1, 2]);
    await expect(gone('theme')).resolves.toEqual([1, 2]);
    expect(preview.affected).toEqual({ Site: 4, Badge: 2, Tag: 2, Theme: 2 });
    await repo(Site).restore([1, 2, 3, 4]);
    await expect(gone('badge')).resolves.toEqual([]);
  });

  it('refuse for rows of this class alone', async () => {
    await test.database.query(`insert into site (id, kind) values (5, 'vault'); insert into site_badge values (5, 4)`);
    await expect(repo(Site).softDelete(5)).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
      restrictions: [{ relation: 'Vault.treasures', count: 1 }],
    });
    await expect(repo(Site).softDelete([1, 4])).resolves.toMatchObject({ affected: { Site: 2, Badge: 1 } });
    await expect(gone('badge')).resolves.toEqual([1]);
  });

  it('are followed by a flush, loaded or not', async () => {
    const em = test.orm.em.fork();
    for (const site of await em.find(Site, {})) {
      em.remove(site);
    }
    await em.flush();
    await expect(gone('badge')).resolves.toEqual([1, 2]);
    await expect(gone('tag')).resolves.toEqual([1, 2]);
    await expect(gone('theme')).resolves.toEqual([1, 2]);
  });

  it('are followed by hardDelete()', async () => {
    await expect(repo(Site).hardDelete([3, 4])).resolves.toBe(2);
    await expect(ids('select id from badge order by id')).resolves.toEqual([1, 2, 3, 4]);
    await expect(ids('select id from sticker order by id')).resolves.toEqual([1, 2, 3, 4, 5]);
    await repo(Site).hardDelete([1, 2]);
    await expect(ids('select id from badge order by id')).resolves.toEqual([3, 4]);
    await expect(ids('select id from sticker order by id')).resolves.toEqual([3, 4, 5]);
    await expect(ids('select id from tag order by id')).resolves.toEqual([3, 4]);
    await expect(ids('select id from theme order by id')).resolves.toEqual([3, 4]);
    await expect(ids('select id from layout order by id')).resolves.toEqual([3, 4]);
  });

  it('are followed by the purge', async () => {
    await test.database.query(`update site set deleted_at = now() - interval '40 days'`);
    const rehearsed = await createPurge(test.orm, { brake: false }).run({ dryRun: true });
    const report = await createPurge(test.orm, { brake: false }).run();
    for (const { entities } of [rehearsed, report]) {
      expect(entities.find(({ entity }) => entity === 'Site')).toMatchObject({ purged: 4, blocked: 0, failed: 0 });
    }
    await expect(ids('select id from sticker order by id')).resolves.toEqual([3, 4, 5]);
    await expect(ids('select id from badge order by id')).resolves.toEqual([1, 2, 3, 4]);
    await expect(ids('select id from layout order by id')).resolves.toEqual([3, 4]);
    await expect(ids('select tag_id as id from taggables order by 1')).resolves.toEqual([]);
  });
});

import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, Enum, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

/** One table for all classes. */
@SoftDeletable<Site>({ retention: '30d', relations: { posts: 'cascade' } })
@ActiveUnique<Site>({ properties: ['name'] })
@Entity({ schema: '*', discriminatorColumn: 'kind', discriminatorMap: { blog: 'Blog', wiki: 'Wiki' } as never })
class Site extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Enum({ items: ['blog', 'wiki'] })
  kind!: string;

  @Property({ type: 'text', nullable: true })
  name?: string | null;

  @OneToMany(() => Post, (post) => post.site)
  posts = new Collection<Post>(this);
}

@Entity({ schema: '*' })
class Blog extends Site {
  @ManyToMany({ entity: () => Tag, pivotTable: 'blog_tag', cascade: [Cascade.ALL] })
  tags = new Collection<Tag>(this);
}

@Entity({ schema: '*' })
class Wiki extends Site {}

/** A table for each class. */
@SoftDeletable<Post>({ retention: '30d' })
@Entity({ schema: '*', inheritance: 'tpt' })
class Post extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Site, { nullable: true, deleteRule: 'no action' })
  site?: Rel<Site> | null;
}

@Entity({ schema: '*' })
class Story extends Post {
  @Property({ type: 'text', nullable: true })
  text?: string | null;

  @OneToMany(() => Remark, (remark) => remark.story, { cascade: [Cascade.ALL] })
  remarks = new Collection<Remark>(this);
}

@SoftDeletable({ retention: '30d' })
@Entity({ schema: '*' })
class Remark extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Story, { deleteRule: 'no action' })
  story!: Rel<Story>;
}

@SoftDeletable({ retention: '30d' })
@Entity({ schema: '*' })
class Tag extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

const TABLES = ['site', 'post', 'story', 'remark', 'tag', 'blog_tag'];
const MARKED = ['site', 'post', 'remark', 'tag'];

describe('hierarchies and pivot tables in the schemas of tenants', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [Site, Blog, Wiki, Post, Story, Remark, Tag],
      extensions: [softDelete({ purge: { schemas: async () => ['north', 'south'] } } as never)],
    });
    for (const schema of ['north', 'south']) {
      await database.query(`create schema ${schema}`);
      await orm.schema.update({ schema });
    }
  });
  beforeEach(async () => {
    for (const schema of ['north', 'south']) {
      const into = (table: string) => `insert into ${schema}.${table}`;
      await database.query(`
        truncate ${TABLES.map((table) => `${schema}.${table}`).join(', ')};
        ${into('site')} (id, kind, name) values (1, 'blog', 'one'), (2, 'wiki', 'two');
        ${into('post')} (id, site_id) values (1, 1), (2, 2);
        ${into('story')} (id, text) values (1, 'a'), (2, 'b');
        ${into('remark')} (id, story_id) values (1, 1), (2, 2);
        ${into('tag')} (id) values (1), (2);
        ${into('blog_tag')} values (1, 1), (2, 2)`);
    }
  });
  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  const fork = (schema: string) => orm.em.fork({ schema }) as EntityManager;
  const repo = <Row extends object>(schema: string, entity: new () => Row) =>
    fork(schema).getRepository(entity) as unknown as SoftDeleteRepository<Row>;
  const deleted = async (schema: string) => {
    const rows = await database.query<{ row: string }>(
      MARKED.map(
        (table) => `select '${table} ' || id as row from ${schema}.${table} where deleted_at is not null`,
      ).join(' union all ') + ' order by 1',
    );
    return rows.map(({ row }) => row);
  };
  const counts = async (schema: string) => {
    const [row] = await database.query<Record<string, number>>(
      `select ${TABLES.map((table) => `(select count(*)::int from ${schema}.${table}) as ${table}`).join(', ')}`,
    );
    return row!;
  };
  const ALL = { site: 2, post: 2, story: 2, remark: 2, tag: 2, blog_tag: 2 };
  const UNIT = ['post 1', 'remark 1', 'site 1', 'tag 1'];

  const DOORS: [name: string, remove: (schema: string) => Promise<unknown>][] = [
    ['a key', (schema) => repo(schema, Site).softDelete(1)],
    ['the key of a class', (schema) => repo(schema, Blog).softDelete(1)],
    ['a condition over relations', (schema) => repo(schema, Site).softDelete({ posts: { id: 1 } } as never)],
    ['nativeDelete()', (schema) => fork(schema).nativeDelete(Blog, { id: 1 })],
    [
      'em.remove()',
      async (schema) => {
        const em = fork(schema);
        await em.remove(await em.findOneOrFail(Site, 1)).flush();
      },
    ],
  ];

  it.each(DOORS)('deletes and restores the rows of one of them: %s', async (_name, remove) => {
    await remove('south');
    await expect(deleted('south')).resolves.toEqual(UNIT);
    await expect(deleted('north')).resolves.toEqual([]);
    await remove('north');
    await expect(deleted('north')).resolves.toEqual(UNIT);
    await expect(repo('south', Site).restore(1, { dryRun: true })).resolves.toMatchObject({ total: 4, conflicts: [] });
    await expect(repo('south', Site).restore(1)).resolves.toMatchObject({ total: 4 });
    await expect(deleted('south')).resolves.toEqual([]);
    await expect(deleted('north')).resolves.toEqual(UNIT);
  });

  it('reads the rows of one of them, in every scope', async () => {
    await repo('south', Site).softDelete(1);
    const found = async (schema: string) => [
      (await repo(schema, Site).find({})).map(({ id }) => id),
      (await repo(schema, Site).onlyDeleted().find({})).map(({ id }) => id),
      await repo(schema, Story).withDeleted().count({}),
      await repo(schema, Story).count({ remarks: { id: { $gt: 0 } } }),
      (await fork(schema).find(Blog, {}, { populate: ['posts', 'tags'] })).map(
        ({ posts, tags }) => posts.length + tags.length,
      ),
    ];
    await expect(found('south')).resolves.toEqual([[2], [1], 2, 1, []]);
    await expect(found('north')).resolves.toEqual([[1, 2], [], 2, 2, [2]]);
  });

  it('knows the unique values of one of them', async () => {
    await repo('south', Site).softDelete(1);
    await database.query(`insert into north.site (id, kind, name) values (3, 'wiki', 'three')`);
    await database.query(`insert into south.site (id, kind, name) values (3, 'wiki', 'one')`);
    await expect(repo('south', Site).restore(1)).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', key: 1, conflictingKey: 3 }],
    });
    const { entity, restored } = await repo('south', Wiki).restoreOrCreate({ name: 'four' }, { id: 4 } as never);
    expect([entity.id, restored]).toEqual([4, false]);
    await expect(database.query('select id from north.site order by 1')).resolves.toHaveLength(3);
    await repo('south', Site).upsert(
      { id: 9, kind: 'wiki', name: 'four' } as never,
      { onConflictFields: ['name'], onConflictExcludeFields: ['id'] } as never,
    );
    await expect(database.query(`select id from south.site where name = 'four'`)).resolves.toEqual([{ id: 4 }]);
  });

  it('removes the rows of one of them', async () => {
    await expect(repo('south', Site).hardDelete(1, { dryRun: true })).resolves.toMatchObject({
      total: 4,
      restrictions: [],
    });
    await expect(repo('south', Site).hardDelete(1)).resolves.toBe(4);
    await expect(counts('south')).resolves.toEqual({ site: 1, post: 1, story: 1, remark: 1, tag: 1, blog_tag: 1 });
    await expect(counts('north')).resolves.toEqual(ALL);
  });

  it('removes orphans and links of one of them that were never loaded', async () => {
    const em = fork('south');
    const story = await em.findOneOrFail(Story, 1);
    const blog = await em.findOneOrFail(Blog, 1);
    blog.tags.removeAll();
    em.remove(story);
    await em.flush();
    await expect(deleted('south')).resolves.toEqual(['post 1', 'remark 1']);
    await expect(counts('south')).resolves.toEqual({ ...ALL, blog_tag: 1 });
    await expect(counts('north')).resolves.toEqual(ALL);
    await expect(deleted('north')).resolves.toEqual([]);
  });

  it('purges one of them, or all', async () => {
    for (const schema of ['north', 'south']) {
      await repo(schema, Site).softDelete(1);
      await database.query(
        MARKED.map(
          (table) =>
            `update ${schema}.${table} set deleted_at = now() - interval '40 days' where deleted_at is not null`,
        ).join('; '),
      );
    }
    const purge = createPurge(orm, { brake: false, schemas: async () => ['north', 'south'] });
    await expect(purge.explain(Site, [1], { schema: 'south' } as never)).resolves.toMatchObject([
      { state: 'removable' },
    ]);
    await expect(purge.run({ schema: 'south', dryRun: true })).resolves.toMatchObject({ total: 4 });
    await expect(purge.run({ schema: 'south' })).resolves.toMatchObject({ total: 4 });
    const rest = { site: 1, post: 1, story: 1, remark: 1, tag: 1, blog_tag: 1 };
    await expect(counts('south')).resolves.toEqual(rest);
    await expect(counts('north')).resolves.toEqual(ALL);
    await expect(purge.run()).resolves.toMatchObject({ total: 4 });
    await expect(counts('north')).resolves.toEqual(rest);
    await expect(counts('south')).resolves.toEqual(rest);
  });
});

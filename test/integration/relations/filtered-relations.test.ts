import { Cascade, Collection, raw, type Rel } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Embeddable()
class Meta {
  @Property({ type: 'string' })
  lang!: string;
}

@SoftDeletable<Blog>({
  retention: '1d',
  relations: { published: 'keep', pinned: 'restrict', everyNote: 'keep', labels: 'cascade' },
})
@Entity({ repository: () => SoftDeleteRepository })
class Blog extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', default: '' })
  name!: string;

  @OneToMany({
    entity: () => Post,
    mappedBy: 'blog',
    where: { published: false, deletedAt: null },
    cascade: [Cascade.ALL],
    orphanRemoval: true,
  })
  drafts = new Collection<Post>(this);

  @OneToMany({ entity: () => Post, mappedBy: 'blog', where: { published: true } })
  published = new Collection<Post>(this);

  @OneToMany({ entity: () => Post, mappedBy: 'blog', where: { title: { $like: 'pin%' } } })
  pinned = new Collection<Post>(this);

  @OneToMany({ entity: () => Note, mappedBy: 'blog' })
  everyNote = new Collection<Note>(this);

  /** Through the author, json, an embedded property and raw SQL. */
  @OneToMany({ entity: () => Note, mappedBy: 'blog', where: { author: { name: 'Ada' } }, cascade: [Cascade.REMOVE] })
  adas = new Collection<Note>(this);

  @OneToMany({
    entity: () => Note,
    mappedBy: 'blog',
    where: { $or: [{ data: { kind: 'temp' } }, { meta: { lang: 'xx' } }] },
    cascade: [Cascade.REMOVE],
  })
  temporary = new Collection<Note>(this);

  @OneToMany({
    entity: () => Note,
    mappedBy: 'blog',
    where: { [raw((alias) => `lower(${alias}.text)`)]: 'gone' },
    cascade: [Cascade.REMOVE],
  })
  gone = new Collection<Note>(this);

  @ManyToMany({ entity: () => Label, owner: true, where: { own: true } })
  labels = new Collection<Label>(this);

  /** Not soft-deletable. */
  @OneToMany({ entity: () => Ping, mappedBy: 'blog', where: { spam: true }, cascade: [Cascade.ALL] })
  spam = new Collection<Ping>(this);
}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Post extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'boolean', nullable: true })
  published?: boolean | null;

  @ManyToOne({ entity: () => Blog, nullable: true })
  blog?: Rel<Blog> | null;
}

@Entity()
class Author {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Note extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', default: '' })
  text!: string;

  @Property({ type: 'json', nullable: true })
  data?: { kind: string };

  @Embedded({ entity: () => Meta, nullable: true })
  meta?: Meta;

  @ManyToOne({ entity: () => Author, nullable: true })
  author?: Rel<Author>;

  @ManyToOne({ entity: () => Blog })
  blog!: Rel<Blog>;
}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Label extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'boolean', nullable: true })
  own?: boolean;
}

@Entity()
class Ping {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'boolean', nullable: true })
  spam?: boolean;

  @ManyToOne({ entity: () => Blog, nullable: true, deleteRule: 'no action' })
  blog?: Rel<Blog>;
}

describe('relations with a `where`', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Blog, Post, Author, Note, Label, Ping, Meta]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query('truncate blog, post, author, note, label, blog_labels, ping restart identity cascade');
    await test.database.query(`
      insert into blog (name) values ('one'), ('two');
      insert into post (title, published, blog_id) values ('draft', false, 1), ('live', true, 1), ('unknown', null, 1), ('other', false, 2)`);
    em = test.orm.em.fork() as EntityManager;
  });

  const repo = <E extends object>(entity: new () => E) =>
    em.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const deleted = async (table: string) =>
    (await test.database.query(`select id from ${table} where deleted_at is not null order by id`)).map(({ id }) => id);
  const ids = async (table: string) =>
    (await test.database.query(`select id from ${table} order by id`)).map(({ id }) => id);
  const remove: Record<string, () => Promise<unknown>> = {
    repository: () => repo(Blog).softDelete(1),
    flush: async () => {
      em.remove(await em.findOneOrFail(Blog, 1));
      await em.flush();
    },
    'flush over loaded collections': async () => {
      em.remove(await em.findOneOrFail(Blog, 1, { populate: ['drafts', 'published', 'adas', 'temporary', 'labels'] }));
      await em.flush();
    },
  };

  for (const [door, act] of Object.entries(remove)) {
    it(`takes along members alone, and restores them (${door})`, async () => {
      await act();
      expect(await deleted('post')).toEqual([1]);
      expect(await deleted('blog')).toEqual([1]);
      em = test.orm.em.fork() as EntityManager;
      await repo(Blog).restore(1);
      expect(await deleted('post')).toEqual([]);
    });

    it(`counts the members of a restricting relation alone (${door})`, async () => {
      await test.database.query(
        `insert into post (title, published, blog_id) values ('pinned', false, 1), ('pin', true, 2)`,
      );
      const error = await act().catch((e: unknown) => e);
      expect(error).toBeInstanceOf(DeletionRestrictedError);
      expect((error as DeletionRestrictedError).restrictions).toEqual([
        { relation: 'Blog.pinned', entity: 'Post', count: 1 },
      ]);
      expect(await deleted('post')).toEqual([]);
    });

    it(`evaluates conditions as the ORM does: to-one, json, embedded, raw (${door})`, async () => {
      await test.database.query(`
        insert into author (name) values ('Ada'), ('Bob');
        insert into note (blog_id, author_id, data, meta_lang, text) values
          (1, 1, null, null, ''), (1, 2, null, null, ''), (1, null, '{"kind":"temp"}', null, ''), (1, null, '{"kind":"x"}', 'xx', ''),
          (1, null, null, null, 'GONE'), (1, null, null, null, 'stays'), (2, 1, null, 'xx', 'gone')`);
      await act();
      expect(await deleted('note')).toEqual([1, 3, 4, 5]);
    });

    it(`follows a many-to-many relation to its members (${door})`, async () => {
      await test.database.query(`
        insert into label (own) values (true), (false), (null);
        insert into blog_labels values (1, 1), (1, 2), (1, 3)`);
      await act();
      expect(await deleted('label')).toEqual([1]);
    });
  }

  it('removes members alone with hardDelete, and refuses while others reference the row', async () => {
    await expect(repo(Blog).hardDelete(1)).rejects.toThrow(DeletionRestrictedError);
    expect(await ids('post')).toEqual([1, 2, 3, 4]);
    await test.database.query(
      `update post set blog_id = null where id in (2, 3); update post set deleted_at = now() where id = 1`,
    );
    await repo(Blog).hardDelete(1);
    expect(await ids('post')).toEqual([2, 3, 4]);
  });

  it('takes plain members along in a purge, and is blocked by plain rows that are none', async () => {
    await test.database.query(`
      delete from post;
      insert into ping (spam, blog_id) values (true, 1), (false, 1), (null, 1), (true, 2)`);
    await repo(Blog).softDelete({});
    await test.database.query(`update blog set deleted_at = now() - interval '2 days'`);
    const purge = createPurge(test.orm);
    await purge.run();
    expect(await ids('blog')).toEqual([1]);
    expect(await ids('ping')).toEqual([1, 2, 3]);
    await test.database.query('update ping set blog_id = null where spam is not true');
    await purge.run();
    expect(await ids('blog')).toEqual([]);
    expect(await ids('ping')).toEqual([2, 3]);
  });

  it('replaces an unloaded collection among its members', async () => {
    const blog = await em.findOneOrFail(Blog, 1);
    blog.drafts.removeAll();
    await em.flush();
    expect(await deleted('post')).toEqual([1]);
    expect(
      (await test.database.query('select id from post where blog_id = 1 order by id')).map(({ id }) => id),
    ).toEqual([1, 2, 3]);
  });

  it('lets a member come back though its blog is deleted only if the relation does not own it', async () => {
    await repo(Post).softDelete(2);
    await repo(Blog).softDelete(1);
    await expect(repo(Post).restore(1)).rejects.toThrow(/Blog/);
    await repo(Post).restore(2);
    expect(await deleted('post')).toEqual([1]);
  });

  it('refuses to start with a condition that it cannot honour', async () => {
    @SoftDeletable()
    @Entity()
    class Shelf extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @OneToMany({ entity: () => Item, mappedBy: 'shelf', where: { size: 3 } as never, cascade: [Cascade.REMOVE] })
      items = new Collection<Item>(this);
    }
    @SoftDeletable()
    @Entity()
    class Item extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @ManyToOne({ entity: () => Shelf })
      shelf!: Rel<Shelf>;
    }
    const error = await createTestOrm([Shelf, Item]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect((error as Error).message).toContain('Shelf.items');
  });
});

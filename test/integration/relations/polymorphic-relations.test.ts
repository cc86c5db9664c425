import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

abstract class Row extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable<Post>({ retention: '1d', relations: { tags: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
class Post extends Row {
  @ManyToMany({ entity: () => Tag, pivotTable: 'taggables', discriminator: 'taggable', owner: true })
  tags = new Collection<Tag>(this);

  @ManyToMany({ entity: () => [Image, Clip], pivotTable: 'attachables', discriminator: 'attachable', owner: true })
  attachments = new Collection<Image | Clip>(this);
}

@SoftDeletable<Video>({ retention: '1d', relations: { tags: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
class Video extends Row {
  @ManyToMany({ entity: () => Tag, pivotTable: 'taggables', discriminator: 'taggable', owner: true })
  tags = new Collection<Tag>(this);
}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Tag extends Row {
  @ManyToMany({ entity: () => Post, mappedBy: 'tags' })
  posts = new Collection<Post>(this);
}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Image extends Row {}

@SoftDeletable({ retention: '1d' })
@Entity({ repository: () => SoftDeleteRepository })
class Clip extends Row {}

@Entity()
class Vote {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => [Post, Video] })
  on!: Rel<Post | Video>;
}

@SoftDeletable({ retention: '1d', relations: { marks: 'restrict' } as never })
@Entity({ repository: () => SoftDeleteRepository })
class Page extends Row {
  @OneToMany({ entity: () => Mark, mappedBy: 'page' })
  marks = new Collection<Mark>(this);
}

@Entity()
class Mark {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Page, createForeignKeyConstraint: false })
  page!: Rel<Page>;

  @Property({ type: 'string', default: '' })
  text!: string;
}

describe('references that no foreign key enforces', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Post, Video, Tag, Image, Clip, Vote, Page, Mark]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(
      'truncate post, video, tag, image, clip, vote, page, mark, taggables, attachables restart identity cascade',
    );
    await test.database.query(`
      insert into post default values; insert into post default values;
      insert into video default values; insert into video default values;
      insert into tag default values; insert into tag default values; insert into tag default values;
      insert into image default values; insert into clip default values;
      insert into taggables (taggable_type, taggable_id, tag_id) values ('post', 1, 1), ('video', 1, 2), ('post', 2, 3);
      insert into attachables (attachable_type, attachable_id, post_id) values ('image', 1, 1), ('clip', 1, 1)`);
    em = test.orm.em.fork() as EntityManager;
  });

  const repo = <E extends object>(entity: new () => E) =>
    em.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const ids = async (sql: string) => (await test.database.query(sql)).map(({ id }) => id);
  const deletedTags = () => ids('select id from tag where deleted_at is not null order by id');
  const links = async () =>
    (await test.database.query(`select taggable_type || taggable_id || tag_id as id from taggables order by 1`)).map(
      ({ id }) => id,
    );
  const attached = () => ids(`select attachable_type as id from attachables order by 1`);

  for (const door of ['repository', 'flush']) {
    const remove = async (entity: new () => object, id: number) => {
      if (door === 'repository') {
        return repo(entity).softDelete(id as never);
      }
      em.remove(await em.findOneOrFail(entity, id as never));
      return em.flush();
    };

    it(`follows the policy of a polymorphic many-to-many relation (${door})`, async () => {
      await remove(Post, 1);
      expect(await deletedTags()).toEqual([1]);
      await expect(remove(Video, 1)).rejects.toThrow(DeletionRestrictedError);
      em = test.orm.em.fork() as EntityManager;
      await remove(Video, 2);
      expect(await deletedTags()).toEqual([1]);
      em = test.orm.em.fork() as EntityManager;
      await repo(Post).restore(1);
      expect(await deletedTags()).toEqual([]);
      expect(await links()).toEqual(['post11', 'post23', 'video12']);
    });
  }

  it('puts restored rows back into loaded collections that they belong to, and into no other', async () => {
    const post = await em.findOneOrFail(Post, 1, { populate: ['attachments'] });
    await repo(Image).softDelete(1);
    await repo(Clip).softDelete(1);
    expect(post.attachments.getItems()).toEqual([]);
    await repo(Clip).restore(1);
    expect(post.attachments.getItems().map(({ constructor }) => constructor)).toEqual([Clip]);
    await repo(Image).restore(1);
    expect(new Set(post.attachments.getItems().map(({ constructor }) => constructor))).toEqual(new Set([Image, Clip]));

    await test.database.query('update post set deleted_at = now() where id = 1');
    em = test.orm.em.fork() as EntityManager;
    const loaded: Tag[] = await em.find(Tag, {}, { populate: ['posts'], orderBy: { id: 1 } });
    expect(loaded.map(({ posts }) => posts.getItems().map(({ id }) => id))).toEqual([[], [], [2]]);
    await repo(Post).restore(1);
    // Tag 2 is linked to video 1, which has the key of post 1.
    expect(loaded.map(({ posts }) => posts.getItems().map(({ id }) => id))).toEqual([[1], [], [2]]);
    await em.flush();
    expect(await links()).toEqual(['post11', 'post23', 'video12']);
    expect(await attached()).toEqual(['clip', 'image']);
  });

  it('keeps the links of deleted rows when an unloaded collection is replaced', async () => {
    await test.database.query(`
      insert into taggables (taggable_type, taggable_id, tag_id) values ('post', 1, 2);
      update tag set deleted_at = now() where id = 1; update image set deleted_at = now()`);
    const post = await em.findOneOrFail(Post, 1);
    post.tags.removeAll();
    post.attachments.removeAll();
    await em.flush();
    expect(await links()).toEqual(['post11', 'post23', 'video12']);
    expect(await attached()).toEqual(['image']);
    em = test.orm.em.fork() as EntityManager;
    const again = await em.findOneOrFail(Post, 1);
    again.attachments.set([em.getReference(Image, 1), em.getReference(Clip, 1)]);
    await em.flush();
    expect(await attached()).toEqual(['clip', 'image']);

    em = test.orm.em.fork() as EntityManager;
    const tag = await em.findOneOrFail(Tag, 3);
    await test.database.query('update post set deleted_at = now() where id = 2');
    tag.posts.removeAll();
    await em.flush();
    expect(await links()).toEqual(['post11', 'post23', 'video12']);
  });

  it('takes the pivot rows of physically removed rows along, from either side', async () => {
    await test.database.query(
      `insert into taggables (taggable_type, taggable_id, tag_id) values ('video', 2, 2), ('post', 2, 2)`,
    );
    await repo(Video).hardDelete(2);
    expect(await links()).toEqual(['post11', 'post22', 'post23', 'video12']);
    await repo(Image).hardDelete(1);
    expect(await attached()).toEqual(['clip']);
    await repo(Tag).hardDelete(2);
    expect(await links()).toEqual(['post11', 'post23']);
  });

  it('purges the pivot rows along', async () => {
    await test.database.query(`
      update video set deleted_at = now() - interval '2 days';
      update image set deleted_at = now() - interval '2 days'`);
    const report = await createPurge(test.orm).run();
    expect(report.entities.map(({ blocked, failed }) => blocked + failed)).toEqual(report.entities.map(() => 0));
    expect(await links()).toEqual(['post11', 'post23']);
    expect(await attached()).toEqual(['clip']);
    expect(await ids('select id from video')).toEqual([]);
  });

  it('refuses hardDelete() while a polymorphic relation references the row, by its type', async () => {
    await test.database.query(`insert into vote (on_type, on_id) values ('video', 2)`);
    await repo(Post).hardDelete(2);
    const error = await repo(Video)
      .hardDelete(2)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeletionRestrictedError);
    expect((error as DeletionRestrictedError).restrictions).toEqual([
      { relation: 'Vote.on', entity: 'Vote', count: 1 },
    ]);
    expect(await ids('select id from video order by id')).toEqual([1, 2]);
  });

  it('refuses hardDelete() while a relation without a foreign key references the row', async () => {
    await test.database.query(
      `insert into page default values; insert into page default values; insert into mark (page_id) values (1)`,
    );
    await expect(repo(Page).hardDelete({})).rejects.toThrow(DeletionRestrictedError);
    expect(await ids('select id from page order by id')).toEqual([1, 2]);
    expect(await repo(Page).hardDelete(2)).toBe(1);
  });

  it('refuses hardDelete() while a disabled key references the row', async () => {
    await test.database.query(`
      create table stray (id int primary key, page_id int references page on delete cascade);
      alter table stray disable trigger all; insert into page default values; insert into stray values (1, 1)`);
    await expect(repo(Page).hardDelete(1)).rejects.toThrow(DeletionRestrictedError);
    await test.database.query('drop table stray');
  });
});

import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete, RestoreConflictError, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface Archive {
  readonly renamed?: Record<string, string>;
  readonly dropped?: string[];
}

/** An archived post with rows that go along and have no mark: remarks, and links to tags. */
function blog(remarkColumn = 'text', tagColumn = 'tag_id', archive?: Archive) {
  @Entity({ tableName: 'tag' })
  class Tag {
    @PrimaryKey({ type: 'number' })
    id!: number;
  }

  @SoftDeletable({ strategy: 'archive', ...(archive ? { archive } : {}) })
  @Entity({ tableName: 'post' })
  class Post {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: 'string', nullable: true })
    text?: string | null;

    @OneToMany(() => Remark, (remark) => remark.post, { cascade: [Cascade.REMOVE] })
    remarks = new Collection<Remark>(this);

    @ManyToMany(() => Tag, undefined, {
      pivotTable: 'post_tags',
      joinColumn: 'post_id',
      inverseJoinColumn: tagColumn,
    })
    tags = new Collection<Tag>(this);
  }

  @Entity({ tableName: 'remark' })
  class Remark {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @ManyToOne(() => Post)
    post!: Rel<Post>;
  }
  Property({ type: 'string', nullable: true })(Remark.prototype, remarkColumn);
  return { Post, Remark, Tag };
}

describe('rows that were archived along, whose table has changed', () => {
  let test: TestOrm;
  let first: ReturnType<typeof blog>;

  beforeEach(async () => {
    first = blog();
    test = await createTestOrm([...Object.values(first), ...complianceEntities()]);
    await test.database.query(`
      insert into post (id, text) values (1, 'post'); insert into remark (id, post_id, text) values (1, 1, 'remark');
      insert into tag values (1); insert into post_tags values (1, 1)`);
    await (test.orm.em.fork().getRepository(first.Post) as any).softDelete(1);
    expect(await test.database.query('select 1 from remark union all select 1 from post_tags')).toEqual([]);
  });
  afterEach(() => test.close());

  const refused = async (part: string, column: string) => {
    const error = await (test.orm.em.fork().getRepository(first.Post) as any)
      .restore(1)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    expect(error.conflicts).toContainEqual(expect.objectContaining({ reason: 'schema', entity: part, column }));
    expect(await test.database.query('select 1 from post')).toEqual([]);
  };
  async function restored(classes: ReturnType<typeof blog>) {
    const entities = [...Object.values(classes), ...complianceEntities()];
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities });
    try {
      installSoftDelete(orm);
      await (orm.em.fork().getRepository(classes.Post) as any).restore(1);
    } finally {
      await orm.close(true);
    }
    const [row] = await test.database.query(
      `select (select to_jsonb(p) from post as p) as post, (select to_jsonb(r) from remark as r) as remark, (select to_jsonb(t) from post_tags as t) as link`,
    );
    return row;
  }

  it('are refused where a column was renamed, until their owner declares it; its own columns stay what they are', async () => {
    await test.database.query('alter table remark rename text to body');
    await refused('Remark', 'text');
    expect(await restored(blog('body', 'tag_id', { renamed: { text: 'body' } }))).toEqual({
      post: { id: 1, text: 'post' },
      remark: { id: 1, post_id: 1, body: 'remark' },
      link: { post_id: 1, tag_id: 1 },
    });
  });

  it('are refused where a column of links was renamed, until their owner declares it', async () => {
    await test.database.query('alter table post_tags rename tag_id to label_id');
    await refused('post_tags', 'tag_id');
    expect((await restored(blog('text', 'label_id', { renamed: { tag_id: 'label_id' } }))).link).toEqual({
      post_id: 1,
      label_id: 1,
    });
  });

  it('are refused where a column was dropped, until their owner declares it', async () => {
    await test.database.query('alter table remark drop text');
    await refused('Remark', 'text');
    expect(await restored(blog('body', 'tag_id', { dropped: ['text'] }))).toMatchObject({
      post: { id: 1, text: 'post' },
      remark: { id: 1, post_id: 1 },
    });
  });

  it('keep a column that only a column of their owner has left its name to', async () => {
    await test.database.query('alter table post rename text to body; alter table remark add body text');
    const later = blog('text', 'tag_id', { renamed: { text: 'body' } });
    delete (later.Post as any).prototype.text;
    expect(await restored(later)).toMatchObject({
      post: { id: 1, body: 'post' },
      remark: { id: 1, text: 'remark', body: null },
    });
  });
});

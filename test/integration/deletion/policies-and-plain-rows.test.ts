import { Cascade, Collection, type EventArgs, type EventSubscriber, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Shop>({ relations: { keeps: 'keep', stops: 'restrict' } })
@Entity()
class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', concurrencyCheck: true })
  name!: string;

  @Property({ type: 'Date', version: true })
  version!: Date & Opt;

  @OneToMany(() => Keep, (keep) => keep.shop, { cascade: [Cascade.ALL] })
  keeps = new Collection<Keep>(this);

  @OneToMany(() => Stop, (stop) => stop.shop, { cascade: [Cascade.ALL] })
  stops = new Collection<Stop>(this);

  @OneToMany(() => Line, (line) => line.shop, { orphanRemoval: true })
  lines = new Collection<Line>(this);

  @ManyToMany(() => Label, (label) => label.shops, { owner: true, cascade: [Cascade.ALL] })
  labels = new Collection<Label>(this);
}

@SoftDeletable()
@Entity()
class Keep extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shop, { nullable: true })
  shop?: Rel<Shop> | null;
}

@SoftDeletable()
@Entity()
class Stop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shop)
  shop!: Rel<Shop>;
}

/** Not soft-deletable. */
@Entity()
class Line {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shop)
  shop!: Rel<Shop>;

  @OneToMany(() => Remark, (remark) => remark.line, { cascade: [Cascade.ALL] })
  remarks = new Collection<Remark>(this);
}

@SoftDeletable()
@Entity()
class Remark extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Line, { nullable: true })
  line?: Rel<Line> | null;
}

@SoftDeletable()
@Entity()
class Label extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany(() => Shop, (shop) => shop.labels)
  shops = new Collection<Shop>(this);
}

@SoftDeletable()
@Entity({ schema: '*' })
class Tenant extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => TenantItem, (item) => item.tenant, { cascade: [Cascade.ALL] })
  items = new Collection<TenantItem>(this);
}

@SoftDeletable()
@Entity({ schema: '*' })
class TenantItem extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Tenant)
  tenant!: Rel<Tenant>;
}

@SoftDeletable()
@Entity()
class Image extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Comment, (comment) => comment.subject as never, { cascade: [Cascade.ALL] })
  comments = new Collection<Comment>(this);
}

@SoftDeletable()
@Entity()
class Video extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Comment, (comment) => comment.subject as never, { cascade: [Cascade.ALL] })
  comments = new Collection<Comment>(this);
}

@SoftDeletable()
@Entity()
class Comment extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => [Image, Video])
  subject!: Rel<Image> | Rel<Video>;
}

/** Not soft-deletable, but its removal would take soft-deletable rows along. */
@Entity()
class Crate {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity()
class Bottle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Crate, { deleteRule: 'cascade' })
  crate!: Rel<Crate>;
}

@Entity()
class Left {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany({ entity: () => Right, pivotEntity: () => Between })
  rights = new Collection<Right>(this);
}

@Entity()
class Right {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity()
class Between extends SoftDeletableEntity {
  @ManyToOne(() => Left, { primary: true })
  left!: Rel<Left>;

  @ManyToOne(() => Right, { primary: true })
  right!: Rel<Right>;
}

class Recorder implements EventSubscriber {
  readonly seen: string[] = [];

  beforeUpdate({ meta }: EventArgs<any>): void {
    this.seen.push(`beforeUpdate ${meta.className}`);
  }

  afterUpdate({ meta }: EventArgs<any>): void {
    this.seen.push(`afterUpdate ${meta.className}`);
  }

  beforeDelete({ meta }: EventArgs<any>): void {
    this.seen.push(`beforeDelete ${meta.className}`);
  }
}

describe('policies and plain rows', () => {
  let test: TestOrm;
  let em: EntityManager;
  const recorder = new Recorder();

  beforeAll(async () => {
    test = await createTestOrm(
      [Shop, Keep, Stop, Line, Remark, Label, Tenant, TenantItem, Image, Video, Comment, Crate, Bottle],
      {
        subscribers: [recorder],
      },
    );
    for (const schema of ['north', 'south']) {
      await test.database.query(`create schema ${schema}`);
      await test.database.query(
        `create table ${schema}.tenant (id serial primary key, deleted_at timestamptz);
         create table ${schema}.tenant_item (id serial primary key, deleted_at timestamptz, tenant_id int not null references ${schema}.tenant)`,
      );
    }
  });

  beforeEach(async () => {
    await test.database.query(
      'truncate shop, keep, stop, line, remark, label, shop_labels, image, video, comment, crate, bottle restart identity cascade',
    );
    await test.database.query(`insert into shop (name) values ('one'), ('two')`);
    em = test.orm.em.fork() as EntityManager;
    recorder.seen.length = 0;
  });

  afterAll(() => test.close());

  const repo = <E extends object>(entity: new () => E) => new SoftDeleteRepository<E>(em, entity);
  const deleted = async (table: string) =>
    (await test.database.query(`select deleted_at from ${table} order by id`)).map((row) => row.deleted_at !== null);

  it('deletes entities with concurrency checks and a timestamp as version', async () => {
    const shop = await em.findOneOrFail(Shop, 1);
    const before = shop.version;
    await new Promise((resolve) => setTimeout(resolve, 5));
    em.remove(shop);
    await em.flush();
    expect(await deleted('shop')).toEqual([true, false]);
    expect(shop.version.getTime()).toBeGreaterThan(before.getTime());
    const reloaded = await repo(Shop).withDeleted().findOneOrFail(1, { refresh: true });
    expect(reloaded.version).toEqual(shop.version);
  });

  it('uses the declared policy where the ORM would cascade', async () => {
    await test.database.query('insert into keep (shop_id) values (1); insert into stop (shop_id) values (2)');
    em.remove(await em.findOneOrFail(Shop, 1, { populate: ['keeps', 'stops', 'lines'] }));
    await em.flush();
    expect(await deleted('shop')).toEqual([true, false]);
    expect(await deleted('keep')).toEqual([false]);
    expect(await test.database.query('select shop_id from keep')).toEqual([{ shop_id: 1 }]);

    em.remove(await em.findOneOrFail(Shop, 2, { populate: ['stops'] }));
    await expect(em.flush()).rejects.toMatchObject({ restrictions: [{ relation: 'Shop.stops', count: 1 }] });
    expect(await deleted('shop')).toEqual([true, false]);
    expect(await deleted('stop')).toEqual([false]);
  });

  it('keeps plain children of what it deletes, and what is behind them', async () => {
    await test.database.query('insert into line (shop_id) values (1); insert into remark (line_id) values (1)');
    em.remove(await em.findOneOrFail(Shop, 1, { populate: ['lines.remarks'] }));
    await em.flush();
    expect(await test.database.query('select id from line')).toHaveLength(1);
    expect(await deleted('remark')).toEqual([false]);
  });

  it('removes plain rows that were removed by name physically, as usual', async () => {
    await test.database.query('insert into line (shop_id) values (1), (1)');
    const [first] = await em.find(Line, {}, { orderBy: { id: 1 } });
    em.remove(first!);
    em.remove(await em.findOneOrFail(Shop, 1, { populate: ['lines'] }));
    await em.flush();
    expect(await test.database.query('select id from line')).toEqual([{ id: 2 }]);
    expect(await deleted('shop')).toEqual([true, false]);
  });

  it('soft-deletes soft-deletable children of a plain row that is removed', async () => {
    await test.database.query('insert into line (shop_id) values (1); insert into remark (line_id) values (1)');
    em.remove(await em.findOneOrFail(Line, 1, { populate: ['remarks'] }));
    await em.flush();
    expect(await test.database.query('select id from line')).toEqual([]);
    expect(await test.database.query('select id, deleted_at is null as active from remark')).toEqual([
      { id: 1, active: false },
    ]);
  });

  it('refuses to let a foreign key remove soft-deletable rows physically', async () => {
    await test.database.query('insert into crate default values; insert into bottle (crate_id) values (1), (1)');
    await test.database.query('update bottle set deleted_at = now() where id = 2');
    em.remove(em.getReference(Crate, 1));
    await expect(em.flush()).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
      restrictions: [{ relation: 'Bottle.crate', entity: 'Bottle', count: 2 }],
    });
    expect(await test.database.query('select id from bottle')).toHaveLength(2);
    await new SoftDeleteRepository(em, Bottle).hardDelete({});
    em.remove(em.getReference(Crate, 1));
    await em.flush();
    expect(await test.database.query('select id from crate')).toEqual([]);
  });

  it('removes physically through keys that restrict and keys that point back', async () => {
    await test.database.query(`
      alter table stop drop constraint stop_shop_id_foreign, add foreign key (shop_id) references shop on delete restrict;
      insert into stop (shop_id) values (1)`);
    expect(await repo(Stop).hardDelete({ shop: 1 })).toBe(1);
    await test.database.query(`
      insert into label default values; insert into shop_labels values (1, 1);
      alter table label add back_id int references shop on delete restrict; update label set back_id = 1`);
    expect(await repo(Shop).hardDelete(1)).toBe(2);
    await test.database.query('alter table label drop column back_id');
    expect(await test.database.query('select id from label')).toEqual([]);
  });

  it('cascades through many-to-many relations and keeps their pivot rows', async () => {
    await test.database.query(
      'insert into label default values; insert into label default values; insert into shop_labels values (1, 1)',
    );
    await repo(Shop).softDelete(1);
    expect(await deleted('label')).toEqual([true, false]);
    expect(await test.database.query('select * from shop_labels')).toHaveLength(1);
    expect(await repo(Shop).restore(1)).toEqual({ affected: { Shop: 1, Label: 1 }, total: 2 });
    em.clear();
    em.remove(await em.findOneOrFail(Shop, 1, { populate: ['labels'] }));
    await em.flush();
    expect(await deleted('label')).toEqual([true, false]);
    expect(await test.database.query('select * from shop_labels')).toHaveLength(1);
  });

  it('follows polymorphic relations to the rows of the right type only', async () => {
    await test.database.query(`
      insert into image default values; insert into video default values;
      insert into comment (subject_type, subject_id) values ('image', 1), ('video', 1)`);
    expect(await repo(Image).softDelete(1)).toMatchObject({ affected: { Image: 1, Comment: 1 } });
    expect(await deleted('comment')).toEqual([true, false]);
    expect(await repo(Image).restore(1)).toMatchObject({ total: 2 });
  });

  it('works in the schema of the entity manager', async () => {
    for (const schema of ['north', 'south']) {
      await test.database.query(
        `insert into ${schema}.tenant default values; insert into ${schema}.tenant_item (tenant_id) values (1)`,
      );
    }
    const north = test.orm.em.fork({ schema: 'north' }) as EntityManager;
    north.remove(await north.findOneOrFail(Tenant, 1));
    await north.flush();
    const south = test.orm.em.fork({ schema: 'south' }) as EntityManager;
    expect(await deleted('north.tenant_item')).toEqual([true]);
    expect(await deleted('south.tenant_item')).toEqual([false]);
    expect(await new SoftDeleteRepository(north, Tenant).restore(1)).toMatchObject({ total: 2 });
    expect(await new SoftDeleteRepository(south, Tenant).softDelete(1)).toMatchObject({ total: 2 });
    expect(await deleted('north.tenant')).toEqual([false]);
    expect(await new SoftDeleteRepository(south, Tenant).hardDelete(1)).toBe(2);
  });

  it('fires the update hooks, and no delete hook', async () => {
    em.remove(await em.findOneOrFail(Shop, 1));
    await em.flush();
    expect(recorder.seen).toEqual(['beforeUpdate Shop', 'afterUpdate Shop']);
  });

  it('forgets an entity that was never flushed', async () => {
    const shop = em.create(Shop, { name: 'new' });
    em.persist(shop);
    em.remove(shop);
    await em.flush();
    expect(await test.database.query('select id from shop')).toHaveLength(2);
  });

  it('does not insert rows behind what it deletes', async () => {
    const shop = await em.findOneOrFail(Shop, 1, { populate: ['lines'] });
    shop.lines.add(em.create(Line, { shop }));
    em.remove(shop);
    await em.flush();
    expect(await deleted('shop')).toEqual([true, false]);
    expect(await test.database.query('select id from line')).toEqual([]);
  });

  it('works within explicit transactions', async () => {
    await em.begin();
    em.remove(await em.findOneOrFail(Shop, 1));
    await em.flush();
    await repo(Shop).softDelete(2);
    await em.rollback();
    expect(await deleted('shop')).toEqual([false, false]);
    await em.begin();
    const shop = await em.findOneOrFail(Shop, 1);
    expect(shop.deletedAt ?? null).toBeNull();
    em.remove(shop);
    await em.commit();
    expect(await deleted('shop')).toEqual([true, false]);
  });

  it('refuses to delete a unit without a transaction', async () => {
    const without = test.orm.em.fork({ disableTransactions: true }) as EntityManager;
    test.orm.config.set('implicitTransactions', false);
    try {
      without.remove(await without.findOneOrFail(Shop, 1));
      await expect(without.flush()).rejects.toThrow(SoftDeleteConfigError);
    } finally {
      test.orm.config.set('implicitTransactions', true);
    }
    expect(await deleted('shop')).toEqual([false, false]);
  });

  it('refuses to mark a pivot entity, whose rows the ORM removes by itself', async () => {
    await expect(createTestOrm([Left, Right, Between])).rejects.toThrow(/pivot entity/);
  });

  it('sees a fork with an event manager of its own', async () => {
    const fresh = test.orm.em.fork({ freshEventManager: true }) as EntityManager;
    fresh.remove(await fresh.findOneOrFail(Shop, 1));
    await fresh.flush();
    expect(await deleted('shop')).toEqual([true, false]);
  });
});

import { Collection, type FlushEventArgs, Type, type Rel } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  Enum,
  Formula,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  Property,
  BeforeUpdate,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}

/** What the database is told and what it answers differ. */
class PointType extends Type<Point | null, string | null> {
  override convertToDatabaseValue(value: Point | null): string | null {
    return value && `(${value.x},${value.y})`;
  }
  override convertToJSValue(value: string | null): Point | null {
    if (value === null) {
      return value;
    }
    const [x, y] = value.slice('at '.length).split(' ').map(Number);
    return new Point(x!, y!);
  }
  override convertToDatabaseValueSQL(key: string): string {
    return `cast(${key} as point)`;
  }
  override convertToJSValueSQL(key: string): string {
    return `'at ' || ${key}[0] || ' ' || ${key}[1]`;
  }
  override getColumnType(): string {
    return 'point';
  }
}

@Embeddable()
class Address {
  @Property({ type: 'string', nullable: true })
  street?: string | null;

  @Property({ type: 'json', nullable: true })
  extra?: unknown;
}

enum Colour {
  Red = 'red',
  Blue = 'blue',
}

@SoftDeletable({ relations: { things: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Thing, (thing) => thing.shelf, { orphanRemoval: true })
  things = new Collection<Thing>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Thing extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;

  @Property({ type: 'string', nullable: true })
  text?: string | null;

  @Property({ type: 'json', nullable: true })
  json?: unknown;

  @Embedded(() => Address, { nullable: true })
  inline?: Address | null;

  @Embedded(() => Address, { nullable: true, object: true })
  object?: Address | null;

  @Embedded(() => Address, { nullable: true, array: true })
  list?: Address[] | null;

  @Property({ type: 'array', nullable: true })
  texts?: string[] | null;

  @Enum({ items: () => Colour, array: true, nullable: true })
  colours?: Colour[] | null;

  @Enum({ items: () => Colour, nullable: true })
  colour?: Colour | null;

  @Property({ type: 'interval', nullable: true })
  interval?: any;

  @Property({ type: 'bigint', nullable: true })
  big?: bigint | null;

  @Property({ type: 'decimal', precision: 10, scale: 2, nullable: true })
  decimal?: string | null;

  @Property({ type: 'date', nullable: true })
  date?: string | null;

  @Property({ type: 'time', nullable: true })
  time?: string | null;

  @Property({ type: 'datetime', nullable: true })
  moment?: Date | null;

  @Property({ type: 'blob', nullable: true })
  bytes?: any;

  @Property({ type: 'uuid', nullable: true })
  uuid?: string | null;

  @Property({ type: PointType, nullable: true })
  point?: Point | null;

  @Property({ type: 'boolean', nullable: true })
  flag?: boolean | null;

  @Property({ type: 'json', nullable: true, lazy: true })
  lazy?: unknown;

  @Formula((cols) => `upper(${cols.text})`, { type: 'string' })
  upper?: string;

  @Property({ type: 'json', nullable: true })
  hooked?: unknown;

  @Property({ type: 'number', version: true })
  version!: number;

  @Property({ type: 'string', persist: false })
  note?: string;

  @BeforeUpdate()
  hook(): void {
    if (HOOK.on) {
      this.hooked = { by: 'hook' };
    }
  }
}

const HOOK = { on: false };
const LISTENER: { removes?: object | undefined; beforeFlush(args: FlushEventArgs): void } = {
  beforeFlush({ em }) {
    if (this.removes) {
      em.remove(this.removes);
      this.removes = undefined;
    }
  },
};

const EMPTY: Record<string, unknown> = Object.fromEntries(
  'text json inline object list texts colours colour interval big decimal date time moment bytes uuid point flag lazy'
    .split(' ')
    .map((name) => [name, null]),
);

const first = (): Record<string, unknown> => ({
  text: 'a',
  json: { a: [1, 'x'] },
  inline: { street: 's', extra: { b: 1 } },
  object: { street: 't', extra: [1, 2] },
  list: [{ street: 'u', extra: 'v' }],
  texts: ['a', 'b'],
  colours: [Colour.Red],
  colour: Colour.Red,
  interval: '1 day 02:03:04',
  big: 12345678901234567n,
  decimal: '1.50',
  date: '2024-02-03',
  time: '10:11:12',
  moment: new Date('2024-02-03T04:05:06.789Z'),
  bytes: Buffer.from([1, 2, 3]),
  uuid: '01234567-89ab-cdef-0123-456789abcdef',
  point: new Point(1, 2),
  flag: true,
  lazy: { c: 1 },
});

const second = (): Record<string, unknown> => ({
  text: 'z',
  json: ['other'],
  inline: { street: 'ss', extra: null },
  object: { street: null, extra: { n: 1 } },
  list: [],
  texts: ['c'],
  colours: [],
  colour: Colour.Blue,
  interval: '3 days',
  big: 1n,
  decimal: '2.25',
  date: '2025-02-03',
  time: '01:02:03',
  moment: new Date('2025-02-03T04:05:06.789Z'),
  bytes: Buffer.from([9]),
  uuid: 'ffffffff-89ab-cdef-0123-456789abcdef',
  point: new Point(3, 4),
  flag: false,
  lazy: 'text',
});

describe.each([false, true])('I7: properties of every type (forceUndefined: %s)', (forceUndefined) => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Thing], { forceUndefined });
    test.orm.em.getEventManager().registerSubscriber(LISTENER);
  });

  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query('truncate shelf, thing restart identity cascade');
    HOOK.on = false;
    em = test.orm.em.fork() as EntityManager;
  });

  async function plant(values: Record<string, unknown>): Promise<Thing> {
    const maker = test.orm.em.fork();
    maker.create(Shelf, { things: [values as never] } as never);
    await maker.flush();
    return em.findOneOrFail(Thing, 1, { populate: ['shelf.things', 'lazy'] as never });
  }

  async function expectFresh(thing: Thing): Promise<void> {
    const fresh = await (test.orm.em.fork() as EntityManager).findOneOrFail(Thing, 1, {
      filters: { softDelete: false },
      populate: ['lazy'] as never,
    });
    for (const { name, kind } of em.getMetadata().get(Thing).props) {
      if (kind === 'scalar' || kind === 'embedded') {
        expect([name, (thing as any)[name]]).toEqual([name, (fresh as any)[name]]);
      }
    }
    expect(thing.shelf?.id).toBe(fresh.shelf?.id);
    await expectNothingToWrite();
  }

  async function expectNothingToWrite(): Promise<void> {
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  }

  const content = async () =>
    (await test.database.query("select to_jsonb(t) - 'deleted_at' - 'version' as row from thing as t"))[0]!.row;

  const doors: Record<string, (thing: Thing, manager: EntityManager) => Promise<void>> = {
    removed: async (thing, manager) => {
      manager.remove(thing);
      await manager.flush();
    },
    'removed as an orphan': async (thing, manager) => {
      thing.shelf!.things.remove(thing);
      await manager.flush();
    },
    'removed by a listener': async (thing, manager) => {
      LISTENER.removes = thing;
      await manager.flush();
    },
  };
  const changes: Record<string, [Record<string, unknown>, Record<string, unknown>]> = {
    changed: [first(), second()],
    emptied: [first(), EMPTY],
    filled: [{}, second()],
    untouched: [first(), {}],
  };
  const cases = Object.keys(doors).flatMap((door) => Object.keys(changes).map((change) => [change, door] as const));

  it.each(cases)('are those of the row after an entity is %s and %s', async (change, door) => {
    const [held, given] = changes[change]!;
    const thing = await plant(held);
    const before = await content();
    em.assign(thing, given as never);
    await doors[door]!(thing, em);
    expect(thing.deletedAt).toBeInstanceOf(Date);
    await expectFresh(thing);
    expect(await content()).toEqual(before);

    await (em.getRepository(Thing) as SoftDeleteRepository<Thing>).restore(1);
    await expectFresh(thing);
    expect(await content()).toEqual(before);
  });

  it.each(cases)('are those of the row after an entity is %s and %s in what is rolled back', async (change, door) => {
    const [held, given] = changes[change]!;
    const thing = await plant(held);
    const before = await content();
    await em.begin();
    em.assign(thing, given as never);
    await doors[door]!(thing, em);
    await em.rollback();
    expect(thing.deletedAt ?? null).toBeNull();
    await expectFresh(thing);
    expect(await content()).toEqual(before);
  });

  it.each(Object.keys(doors))('are those that a hook has written when an entity is %s', async (door) => {
    HOOK.on = true;
    const thing = await plant(first());
    em.assign(thing, second() as never);
    await doors[door]!(thing, em);
    expect((await content()).hooked).toEqual({ by: 'hook' });
    await expectFresh(thing);
  });

  it.each(Object.keys(doors))('are not those of a hook when an entity is %s in what is rolled back', async (door) => {
    HOOK.on = true;
    const thing = await plant({ ...first(), hooked: { by: 'nobody' } });
    await em.begin();
    await doors[door]!(thing, em);
    await em.rollback();
    expect((await content()).hooked).toEqual({ by: 'nobody' });
    await expectFresh(thing);
  });

  it('are those of the row after a cascade', async () => {
    const thing = await plant(first());
    const before = await content();
    em.remove(thing.shelf!);
    await em.flush();
    await expectFresh(thing);
    await (em.getRepository(Shelf) as SoftDeleteRepository<Shelf>).restore(1);
    await expectFresh(thing);
    expect(await content()).toEqual(before);
  });

  it('do not bring back what somebody else has deleted after a restoration', async () => {
    const thing = await plant(first());
    const repository = em.getRepository(Thing) as SoftDeleteRepository<Thing>;
    await repository.softDelete(1);
    await repository.restore(1);
    await test.database.query('update thing set deleted_at = now()');
    thing.text = 'later';
    await em.flush();
    expect(await test.database.query('select text, deleted_at is null as active from thing')).toEqual([
      { text: 'later', active: false },
    ]);
  });

  it('do not bring back what somebody else has deleted after another restoration was seen', async () => {
    const thing = await plant(first());
    await (em.getRepository(Thing) as SoftDeleteRepository<Thing>).softDelete(1);
    await test.database.query('update thing set deleted_at = null');
    await em.find(Thing, {});
    await em.find(Thing, {}, { refresh: true });
    await test.database.query('update thing set deleted_at = now()');
    thing.text = 'later';
    await em.flush();
    expect(await test.database.query('select text, deleted_at is null as active from thing')).toEqual([
      { text: 'later', active: false },
    ]);
  });
});

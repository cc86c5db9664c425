import { Cascade, Collection, type Rel, Type, wrap } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  Enum,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Money as cents in the database and as an object in memory. */
class Money {
  constructor(readonly cents: number) {}
}
class MoneyType extends Type<Money, string> {
  override convertToDatabaseValue(value: any): string {
    return value instanceof Money ? String(value.cents) : value;
  }
  override convertToJSValue(value: any): Money {
    return value == null || value instanceof Money ? value : new Money(Number(value));
  }
  override compareAsType(): string {
    return 'string';
  }
  override getColumnType(): string {
    return 'bigint';
  }
}
/** Encoded in SQL on both ways. */
class ReversedType extends Type<string, string> {
  override convertToDatabaseValueSQL(key: string): string {
    return `reverse(${key})`;
  }
  override convertToJSValueSQL(key: string): string {
    return `reverse(${key})`;
  }
  override getColumnType(): string {
    return 'text';
  }
}
/** A list that is one text in the database. */
class ListType extends Type<string[], string> {
  override convertToDatabaseValue(value: any): string {
    return Array.isArray(value) ? value.join('|') : value;
  }
  override convertToJSValue(value: any): string[] {
    return typeof value === 'string' ? value.split('|') : value;
  }
  override getColumnType(): string {
    return 'text';
  }
}

enum Size {
  Small = 'small',
  Large = 'large',
}

@Embeddable()
class Address {
  @Property({ type: 'text' })
  street!: string;
  @Property({ type: 'json', nullable: true })
  extra?: any;
  @Property({ type: 'datetime', nullable: true })
  since?: Date;
}

@SoftDeletable<Shelf>({ relations: { things: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @OneToMany(() => Thing, (thing) => thing.shelf, { cascade: [Cascade.PERSIST], orphanRemoval: true })
  things = new Collection<Thing>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Thing extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;
  @Property({ type: 'json' })
  json!: any;
  @Property({ type: 'json' })
  jsonText!: any;
  @Property({ type: 'json' })
  jsonList!: any;
  @Property({ type: 'json', nullable: true })
  jsonNull?: any;
  @Property({ type: 'array' })
  texts!: string[];
  @Property({ type: 'integer[]' })
  numbers!: number[];
  @Enum({ items: () => Size, array: true })
  sizes!: Size[];
  @Enum({ items: () => Size })
  size!: Size;
  @Property({ type: 'bigint' })
  big!: any;
  @Property({ type: 'decimal', precision: 12, scale: 3 })
  decimal!: any;
  @Property({ type: 'double' })
  double!: number;
  @Property({ type: 'boolean' })
  flag!: boolean;
  @Property({ type: 'date' })
  day!: any;
  @Property({ type: 'time' })
  time!: any;
  @Property({ type: 'datetime' })
  at!: Date;
  @Property({ type: 'interval' })
  interval!: any;
  @Property({ type: 'blob' })
  bytes!: Buffer;
  @Property({ type: 'uint8array' })
  octets!: Uint8Array;
  @Property({ type: 'uuid' })
  uuid!: string;
  @Property({ type: 'text', nullable: true, lazy: true })
  lazy?: string | null;
  @Property({ type: MoneyType })
  money!: Money;
  @Property({ type: ReversedType })
  reversed!: string;
  @Property({ type: ListType })
  list!: string[];
  @Property({ type: 'integer', version: true })
  version!: number;
  @Embedded(() => Address)
  inline!: Address;
  @Embedded(() => Address, { object: true })
  object!: Address;
  @Embedded(() => Address, { array: true })
  addresses!: Address[];
  @Property({ persist: false, type: 'text' })
  transient?: string;
}

const address = (street: string) => Object.assign(new Address(), { street, extra: { of: street }, since: new Date(5) });
const first = () => ({
  json: { a: [1, { b: null }] },
  jsonText: 'a "text"',
  jsonList: [1, 'two'],
  jsonNull: null,
  texts: ['a,b', 'c'],
  numbers: [1, 2],
  sizes: [Size.Small],
  size: Size.Small,
  big: 12345678901234n,
  decimal: '1.500',
  double: 0.1,
  flag: false,
  day: '2026-01-31',
  time: '10:11:12',
  at: new Date('2026-01-31T01:02:03.456Z'),
  interval: '1 day',
  bytes: Buffer.from('one'),
  octets: new Uint8Array([1, 2]),
  uuid: '00000000-0000-4000-8000-00000000000a',
  lazy: 'later',
  money: new Money(150),
  reversed: 'abc',
  list: ['x', 'y'],
  inline: address('one'),
  object: address('two'),
  addresses: [address('three')],
});
const second = () => ({
  json: { changed: true },
  jsonText: 'other',
  jsonList: [],
  jsonNull: { now: 'set' },
  texts: ['z'],
  numbers: [9],
  sizes: [Size.Small, Size.Large],
  size: Size.Large,
  big: 1n,
  decimal: '2.250',
  double: 0.2,
  flag: true,
  day: '2026-02-01',
  time: '23:00:00',
  at: new Date('2026-03-01T00:00:00.001Z'),
  interval: '2 hours',
  bytes: Buffer.from('two'),
  octets: new Uint8Array([9]),
  uuid: '00000000-0000-4000-8000-00000000000b',
  lazy: 'changed',
  money: new Money(1),
  reversed: 'xyz',
  list: ['z'],
  inline: address('other one'),
  object: address('other two'),
  addresses: [],
});
const NAMES = Object.keys(first());

describe.each([false, true])('every type of property, forceUndefined: %s', (forceUndefined) => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Thing, Address], { forceUndefined });
  });
  beforeEach(async () => {
    await test.database.query('truncate shelf, thing restart identity');
    const setUp = test.orm.em.fork();
    const shelf = setUp.create(Shelf, {} as never);
    setUp.create(Thing, { ...first(), shelf } as never);
    setUp.create(Thing, { ...first(), shelf } as never);
    await setUp.flush();
    em = test.orm.em.fork() as EntityManager;
    before = await contents();
  });
  afterAll(() => test.close());

  let before: unknown;
  const contents = () =>
    test.database.query(`select to_jsonb(t) - 'deleted_at' - 'version' as row from thing as t order by id`);

  /** What memory holds equals what the database holds, and a flush has nothing to write. */
  const agree = async (things: readonly Thing[]) => {
    await expect(contents()).resolves.toEqual(before);
    const fresh = test.orm.em.fork();
    for (const thing of things) {
      const options = { filters: { softDelete: false }, populate: ['lazy'] } as never;
      const row = (await fresh.findOneOrFail(Thing, thing.id, options)) as unknown as Record<string, unknown>;
      for (const name of [...NAMES, 'version', 'deletedAt']) {
        if (name !== 'lazy' || thing.lazy !== undefined) {
          expect({ [name]: plain((thing as any)[name]) }).toEqual({ [name]: plain(row[name]) });
        }
      }
    }
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    await expect(contents()).resolves.toEqual(before);
  };
  const plain = (value: any): unknown =>
    value?.constructor === Address ? (wrap(value).toPOJO?.() ?? Object.assign({}, value)) : value;
  const load = () => em.find(Thing, {}, { orderBy: { id: 1 }, populate: ['lazy'] as never });
  const change = (thing: Thing) => Object.assign(thing, second());
  const boom = new Error('rolled back');
  const rolledBack = (work: (tx: EntityManager) => Promise<unknown>) =>
    em
      .transactional(async (tx) => {
        await work(tx as EntityManager);
        throw boom;
      })
      .catch((error: unknown) => {
        if (error !== boom) {
          throw error;
        }
      });

  it('is as its row after a changed entity was removed', async () => {
    const things = await load();
    change(things[0]!);
    em.remove(things[0]!);
    await em.flush();
    await agree(things);
  });

  it('is as its row after an entity that was changed in place was removed', async () => {
    const things = await load();
    const [thing] = things;
    thing!.json.a.push(2);
    thing!.jsonList.push('three');
    thing!.texts.push('d');
    thing!.inline.street = 'changed';
    thing!.object.extra = { changed: true };
    thing!.addresses[0]!.street = 'changed';
    em.remove(thing!);
    await em.flush();
    await agree(things);
  });

  it('is as its row after an orphan was removed', async () => {
    const shelf = await em.findOneOrFail(Shelf, 1, { populate: ['things'] });
    const things = shelf.things.getItems();
    change(things[0]!);
    shelf.things.remove(things[0]!);
    await em.flush();
    await agree(things);
  });

  it('is as its row after what it belongs to was removed', async () => {
    const things = await load();
    em.remove(await em.findOneOrFail(Shelf, 1));
    await em.flush();
    await agree(things);
  });

  it.each(['softDelete', 'restore'] as const)('is as its row after %s()', async (operation) => {
    const things = await load();
    const shelves = em.getRepository(Shelf) as SoftDeleteRepository<Shelf>;
    await shelves.softDelete(1);
    if (operation === 'restore') {
      await shelves.restore(1);
    }
    await agree(things);
  });

  it('is as its row after a removal that was rolled back', async () => {
    const things = await load();
    await rolledBack(async (tx) => {
      change(things[0]!);
      tx.remove(things[0]!);
      await tx.flush();
    });
    await agree(things);
  });

  it('is as its row after a cascade that was rolled back', async () => {
    const things = await load();
    await rolledBack(async (tx) => {
      tx.remove(await tx.findOneOrFail(Shelf, 1));
      await tx.flush();
    });
    await agree(things);
  });

  it('is as its row after a restoration that was rolled back', async () => {
    const things = await load();
    const shelves = em.getRepository(Shelf) as SoftDeleteRepository<Shelf>;
    await shelves.softDelete(1);
    await rolledBack((tx) => (tx.getRepository(Shelf) as SoftDeleteRepository<Shelf>).restore(1));
    await agree(things);
  });

  it('is as its row after a changed entity that is deleted already was removed again', async () => {
    const things = await load();
    await (em.getRepository(Thing) as SoftDeleteRepository<Thing>).softDelete(1);
    change(things[0]!);
    em.remove(things[0]!);
    await em.flush();
    await agree(things);
  });
});

import { raw, type Rel, Type } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  Enum,
  Formula,
  ManyToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** In the database a number. */
class Cents extends Type<string | null, string | null> {
  override convertToDatabaseValue(value: string | null): string | null {
    return value && value.replace(' cents', '');
  }
  override convertToJSValue(value: string | null): string | null {
    return value && `${value} cents`;
  }
  override getColumnType(): string {
    return 'bigint';
  }
}

/** In the database in capitals. */
class Capitals extends Type<string, string> {
  override convertToDatabaseValueSQL(key: string): string {
    return `upper(${key})`;
  }
  override convertToJSValueSQL(key: string): string {
    return `lower(${key})`;
  }
  override getColumnType(): string {
    return 'text';
  }
}

@Embeddable()
class Address {
  @Property({ type: 'string' })
  street!: string;

  @Property({ type: 'Date', nullable: true })
  since?: Date | null;
}

@Entity()
class Owner {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Thing {
  @PrimaryKey({ type: 'bigint' })
  id!: bigint;

  @Property({ type: 'string', hidden: true })
  secret!: string;

  @Property({ type: 'text', lazy: true, nullable: true })
  lazy?: string | null;

  @Property({ type: 'json', nullable: true })
  json?: unknown;

  @Property({ type: 'Date' })
  at!: Date;

  @Property({ type: 'date', nullable: true })
  day?: string | null;

  @Property({ type: Cents, nullable: true })
  cents?: string | null;

  @Property({ type: Capitals, nullable: true })
  code?: string | null;

  @Enum({ items: ['a', 'b'], array: true, nullable: true })
  kinds?: string[] | null;

  @Property({ type: 'string[]', nullable: true })
  tags?: string[] | null;

  @Property({ type: 'blob', nullable: true })
  blob?: Buffer | null;

  @Property({ type: 'decimal', precision: 10, scale: 2, nullable: true })
  amount?: string | null;

  @Property({ type: 'boolean' })
  flag!: boolean;

  @Property({ type: 'interval', nullable: true })
  span?: string | null;

  @Embedded(() => Address, { nullable: true })
  home?: Address | null;

  @Embedded(() => Address, { object: true, nullable: true })
  work?: Address | null;

  @Embedded(() => Address, { array: true, nullable: true })
  former?: Address[] | null;

  @Formula((alias) => `${String(alias)}.id * 2`, { type: 'number', lazy: true })
  twice?: number;

  @ManyToOne(() => Owner, { nullable: true, fieldName: 'owner_ref' })
  owner?: Rel<Owner> | null;

  @Property({ type: 'number', version: true })
  version!: number;
}

@SoftDeletable({ strategy: 'archive' })
@Entity({ inheritance: 'tpt' })
class Pet {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: Capitals })
  name!: string;
}

@Entity()
class Cat extends Pet {
  @Property({ type: Capitals })
  colour!: string;
}

const AT = '2024-05-05T10:00:00.123Z';

describe('Values and conditions of archived rows', () => {
  let test: TestOrm;
  const repo = (entity: unknown) => test.orm.em.fork().getRepository(entity as never) as any;

  beforeAll(async () => {
    test = await createTestOrm([Thing, Owner, Pet, Cat, ...complianceEntities()]);
    const em = test.orm.em.fork();
    em.create(Owner, { id: 1, name: 'Ada' });
    em.create(Owner, { id: 2, name: 'Bob' });
    em.create(Thing, {
      id: 1n,
      secret: 's',
      lazy: 'loaded late',
      json: { a: [1, null] },
      at: new Date(AT),
      day: '2024-01-02',
      cents: '5 cents',
      code: 'abc',
      kinds: ['a', 'b'],
      tags: ['x', 'y,z'],
      blob: Buffer.from([0, 1, 255]),
      amount: '1.50',
      flag: true,
      span: '1 day',
      home: { street: 'main', since: new Date('2020-01-01') },
      work: { street: 'hill', since: new Date('2020-01-01') },
      former: [{ street: 'lake', since: null }, { street: 'port' }],
      owner: 1,
      version: 1,
    } as never);
    em.create(Thing, { id: 2n, secret: 'tt', at: new Date(0), flag: false, tags: [], json: null, owner: 2 } as never);
    em.create(Thing, {
      id: 9007199254740993n,
      secret: 'u',
      at: new Date(AT),
      flag: true,
      kinds: ['b'],
      json: { a: 'text', deep: { b: 2 } },
      home: { street: 'side' },
      work: { street: 'other' },
    } as never);
    em.create(Cat, { id: 1, name: 'tom', colour: 'grey' });
    await em.flush();
  });
  afterAll(() => test.close());

  const conditions = {
    everything: {},
    equality: { secret: 's' },
    inequality: { secret: { $ne: 's' } },
    lists: { secret: { $in: ['s', 'u'] }, flag: { $nin: [false] } },
    'empty lists': { id: { $in: [] } },
    ranges: { id: { $gt: 1n }, secret: { $gte: 's', $lt: 'u' } },
    patterns: { secret: { $like: 't%' } },
    'patterns without case': { secret: { $ilike: 'T%' } },
    'regular expressions': { secret: /^t/ },
    negation: { $not: { secret: 's' } },
    'and, or': { $or: [{ flag: false }, { $and: [{ flag: true }, { amount: { $gt: '1' } }] }] },
    times: { at: new Date(AT) },
    days: { day: '2024-01-02' },
    null: { day: null },
    'not null': { day: { $ne: null } },
    existence: { day: { $exists: true } },
    'custom types': { cents: '5 cents' },
    'custom types in SQL': { code: 'abc' },
    bytes: { blob: Buffer.from([0, 1, 255]) },
    intervals: { span: '1 day' },
    json: { json: { a: 'text' } },
    'deep json': { json: { deep: { b: { $gt: 1 } } } },
    'no json': { json: null },
    'keys of json': { json: { $hasKey: 'a' } },
    arrays: { tags: { $contains: ['y,z'] } },
    'overlapping arrays': { tags: { $overlap: ['x'] } },
    'contained arrays': { tags: { $contained: ['x', 'y,z'] } },
    'arrays of enums': { kinds: { $contains: ['b'] } },
    'embedded columns': { home: { street: 'side' } },
    'embedded objects': { work: { street: 'other' } },
    'embedded lists': { former: { street: 'lake' } },
    'embedded lists and more': { flag: true, $or: [{ former: { street: 'port' } }, { secret: 'u' }] },
    references: { owner: 1 },
    'keys of references': { owner: { id: { $in: [1, 2] } } },
    'no reference': { owner: null },
    formulas: { twice: 2 },
    SQL: { [raw((alias) => `lower(${alias}.secret)`)]: 's' },
  };

  it('are what they were while the rows were active', async () => {
    const plain = (things: Thing[]) =>
      things.map(({ owner, ...thing }) => ({ ...thing, owner: owner && owner.id, class: thing.constructor }));
    const read = async (reads: () => any, populate?: string[]) => {
      const found: Record<string, unknown> = {};
      for (const [name, where] of Object.entries(conditions)) {
        const options = { orderBy: { id: 'asc' }, ...(populate ? { populate } : {}) };
        found[name] = plain(await reads().find(where, options));
      }
      return found;
    };
    const active = await read(() => repo(Thing), ['lazy']);
    expect(Object.values(active).map((things) => (things as unknown[]).length)).toContain(3);
    expect((active['embedded lists'] as unknown[]).length).toBe(1);
    await repo(Thing).softDelete({});
    expect(await test.database.query('select 1 from thing')).toEqual([]);
    expect(await read(() => repo(Thing).onlyDeleted())).toEqual(active);

    for (const [name, where] of Object.entries(conditions)) {
      const { total } = await repo(Thing).restore(where, { dryRun: true });
      expect([name, total]).toEqual([name, (active[name] as unknown[]).length]);
    }
    expect((await repo(Thing).restore({ former: { street: 'lake' } })).total).toBe(1);
    expect((await repo(Thing).softDelete({ former: { street: 'lake' } })).total).toBe(1);
  });

  it('can be ordered by columns of embedded objects, and by nothing that has no column', async () => {
    const order = async (orderBy: object) =>
      (await repo(Thing).onlyDeleted().find({}, { orderBy })).map(({ id }: Thing) => id);
    expect(await order({ home: { street: 'desc nulls last' } })).toEqual([9007199254740993n, 1n, 2n]);
    expect(await order([{ flag: 1 }, { id: -1 }])).toEqual([2n, 9007199254740993n, 1n]);
    for (const orderBy of [{ twice: 1 }, { owner: { name: 1 } }, { work: { street: 1 } }, { unknown: 1 }]) {
      await expect(order(orderBy)).rejects.toThrow(SoftDeleteConfigError);
    }
  });

  it('are read through the SQL of custom types in every table of a hierarchy', async () => {
    await repo(Cat).softDelete(1);
    const [row] = await test.database.query(`select data from deletion_archive where part = 'Cat'`);
    expect(row.data).toEqual({ id: '1', colour: 'GREY' });
    expect(await repo(Pet).onlyDeleted().find({})).toMatchObject([{ id: 1, name: 'tom', colour: 'grey' }]);
  });

  it('are meant as in the session that asks, to delete, to read, to restore and to remove', async () => {
    const within = (work: (em: any) => Promise<unknown>) =>
      test.orm.em.fork().transactional(async (em) => {
        await em.execute(`set local timezone = 'Asia/Tokyo'; set local datestyle = 'SQL, DMY'`);
        return work(em.getRepository(Thing));
      });
    const conditions: object[] = [
      { [raw(`extract(hour from at)`)]: 19, id: { $lt: 3 } },
      { at: raw(`'05/05/2024 19:00:00.123'`), id: { $lt: 3 } },
    ];
    for (const where of conditions) {
      await repo(Thing).restore({});
      expect(await within((things) => things.count(where))).toBe(1);
      expect(await within(async (things) => (await things.softDelete(where)).total)).toBe(1);
      expect(await within((things) => things.onlyDeleted().count(where))).toBe(1);
      expect(await within((things) => things.onlyDeleted().find(where))).toMatchObject([{ id: 1n, at: new Date(AT) }]);
      expect(await within(async (things) => (await things.hardDelete(where, { dryRun: true })).total)).toBe(1);
      expect(await within(async (things) => (await things.restore(where, { dryRun: true })).total)).toBe(1);
      expect(await within(async (things) => (await things.restore(where)).total)).toBe(1);
    }
    const [row] = await test.database.query(`select at from thing where id = 1`);
    expect(row.at).toEqual(new Date(AT));
  });
});

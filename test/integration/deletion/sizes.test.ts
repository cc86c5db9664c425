import { Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Pair>({ relations: { parts: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
@ActiveUnique({ properties: ['code'] })
class Pair extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['left', 'right'];

  @PrimaryKey({ type: 'number' })
  left!: number;

  @PrimaryKey({ type: 'string' })
  right!: string;

  @Property({ type: 'string' })
  code!: string;

  @OneToMany(() => Part, (part) => part.pair)
  parts = new Collection<Part>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Part extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['pair', 'n'];

  @ManyToOne(() => Pair, { primary: true })
  pair!: Rel<Pair>;

  @PrimaryKey({ type: 'number' })
  n!: number;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
@ActiveUnique({ properties: ['code'] })
class Single extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  code!: string;
}

const PAIRS = 6_000;
const SINGLES = 140_000;

describe('many rows', () => {
  let test: TestOrm;
  let em: any;

  beforeAll(async () => {
    test = await createTestOrm([Pair, Part, Single]);
  });
  beforeEach(() => {
    em = test.orm.em.fork();
  });
  afterAll(() => test.close());

  const fill = (pairs: number, singles: number) =>
    test.database.query(
      `truncate pair, part, single;
       insert into pair ("left", "right", code) select n, 'r' || n, 'c' || n from generate_series(1, ${pairs}) as n;
       insert into part (pair_left, pair_right, n) select n, 'r' || n, 1 from generate_series(1, ${pairs}) as n;
       insert into single (id, code) select n, 'c' || n from generate_series(1, ${singles}) as n`,
    );
  const active = async (table: string) =>
    Number((await test.database.query(`select count(*) from ${table} where deleted_at is null`))[0].count);
  const pairKeys = (count: number) => Array.from({ length: count }, (_, i) => [i + 1, `r${i + 1}`]);
  const singleKeys = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  it('deletes, restores and removes rows with composite keys by a list of keys', async () => {
    await fill(PAIRS, 0);
    const pairs = em.getRepository(Pair);
    expect(await pairs.softDelete(pairKeys(PAIRS))).toMatchObject({ affected: { Pair: PAIRS, Part: PAIRS } });
    expect(await active('part')).toBe(0);
    expect(await pairs.restore(pairKeys(PAIRS))).toMatchObject({ affected: { Pair: PAIRS, Part: PAIRS } });
    expect([await active('pair'), await active('part')]).toEqual([PAIRS, PAIRS]);
    expect(await pairs.hardDelete(pairKeys(PAIRS))).toBe(2 * PAIRS);
    expect(await test.database.query('select from pair union all select from part')).toEqual([]);
  });

  it('restores and removes rows with composite keys by a condition', async () => {
    await fill(PAIRS, 0);
    const pairs = em.getRepository(Pair);
    await pairs.softDelete({});
    expect(await pairs.restore({})).toMatchObject({ total: 2 * PAIRS });
    expect(await active('pair')).toBe(PAIRS);
    expect(await pairs.hardDelete({})).toBe(2 * PAIRS);
  });

  it('deletes, restores and removes rows with single keys by a list of keys', async () => {
    await fill(0, SINGLES);
    const singles = em.getRepository(Single);
    expect(await singles.softDelete(singleKeys(SINGLES))).toMatchObject({ total: SINGLES });
    expect(await singles.restore(singleKeys(SINGLES))).toMatchObject({ total: SINGLES });
    expect(await active('single')).toBe(SINGLES);
    expect(await singles.hardDelete(singleKeys(SINGLES))).toBe(SINGLES);
    expect(await test.database.query('select from single')).toEqual([]);
  });

  it('tells every loaded entity', async () => {
    await fill(5_000, 0);
    const loaded: any[] = await em.find(Pair, {}, { populate: ['parts'] });
    await em.getRepository(Pair).softDelete({});
    expect(loaded.filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
    await em.getRepository(Pair).restore({});
    expect(loaded.filter(({ deletedAt, parts }) => deletedAt !== null || parts.length !== 1)).toEqual([]);
    loaded.forEach((pair) => em.remove(pair));
    await em.flush();
    expect([await active('pair'), await active('part')]).toEqual([0, 0]);
  });

  it('names every conflict of a large restoration and shortens its message', async () => {
    await fill(1_000, 0);
    await em.getRepository(Pair).softDelete({});
    await test.database.query(
      `insert into pair ("left", "right", code) select -n, '', 'c' || n from generate_series(1, 1000) as n`,
    );
    const error = await em
      .getRepository(Pair)
      .restore({})
      .catch((thrown: unknown) => thrown);
    expect(error.conflicts).toHaveLength(1_000);
    expect(error.message).toContain('and 990 more');
    expect(error.message.length).toBeLessThan(2_000);
  });

  it.each(['softDelete', 'restore', 'hardDelete'])(
    'takes as many statements for many rows as for one: %s',
    async (operation) => {
      const counts: number[] = [];
      for (const rows of [1, 12_000]) {
        await fill(rows, 0);
        const pairs = test.orm.em.fork().getRepository(Pair) as any;
        if (operation === 'restore') {
          await pairs.softDelete(pairKeys(rows));
        }
        test.statements.length = 0;
        await pairs[operation](pairKeys(rows));
        counts.push(test.statements.length);
      }
      expect(counts[1]).toBe(counts[0]);
    },
  );
});

import { type EntityManager, type EntityMetadata, MikroORM, p, raw, ref, defineEntity } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { resolveTarget } from '../../../lib/deletion/deletion-target.js';

const User = defineEntity({
  name: 'User',
  properties: { id: p.integer().primary(), name: p.string().nullable(), born: p.json().nullable() },
});
const Line = defineEntity({
  name: 'Line',
  properties: { tenant: p.text().primary(), position: p.integer().primary(), text: p.text().nullable() },
});
const Membership = defineEntity({
  name: 'Membership',
  properties: { user: () => p.manyToOne(User).primary(), line: () => p.manyToOne(Line).primary() },
});

describe(resolveTarget, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [User, Line, Membership] });
  let em: EntityManager;
  beforeEach(() => {
    em = orm.em.fork() as EntityManager;
  });

  const resolve = (name: string, target: unknown): any => {
    const meta = [...em.getMetadata()].find(({ className }) => className === name)!;
    return resolveTarget('softDelete', em, meta as EntityMetadata<any>, target as never);
  };
  const refusalOf = (name: string, target: unknown): string => {
    try {
      resolve(name, target);
    } catch (error) {
      expect(error).toBeInstanceOf(SoftDeleteConfigError);
      return (error as Error).message;
    }
    throw new Error('nothing was refused');
  };
  const ADVICE = 'Pass a primary key, an entity, a list of either, or a condition; {} means every row.';

  it('takes a key, an entity and a reference for the same row', () => {
    const user = em.getReference(User, 7);
    for (const target of [7, user, ref(user)]) {
      expect(resolve('User', target)).toEqual({ id: 7 });
    }
  });

  it('takes a list of either for all of these rows, and an empty one for none', () => {
    expect(resolve('User', [7, em.getReference(User, 8)])).toEqual({ id: { $in: [7, 8] } });
    expect(resolve('User', [])).toEqual({ id: { $in: [] } });
    expect(resolve('Line', [])).toEqual({ tenant: { $in: [] } });
  });

  it('leaves a condition as it is, and takes a list of them for what any of them means', () => {
    const condition = { name: 'Ada' };
    expect(resolve('User', condition)).toBe(condition);
    expect(resolve('User', {})).toEqual({});
    expect(resolve('User', [condition, 7])).toEqual({ $or: [condition, { id: 7 }] });
  });

  it('tells one key of several columns from a list of keys', () => {
    const [first, second] = [
      { tenant: 'a', position: 1 },
      { tenant: 'b', position: 2 },
    ];
    expect(resolve('Line', ['a', 1])).toEqual(first);
    expect(resolve('Line', first)).toBe(first);
    expect(resolve('Line', [['a', 1]])).toEqual({ $or: [first] });
    expect(
      resolve('Line', [
        ['a', 1],
        ['b', 2],
      ]),
    ).toEqual({ $or: [first, second] });
    expect(resolve('Line', [first, second])).toEqual({ $or: [first, second] });
    const lines = [em.getReference(Line, ['a', 1]), em.getReference(Line, ['b', 2])];
    expect(resolve('Line', lines)).toEqual({ $or: [first, second] });
    expect(resolve('Line', lines[1])).toEqual(second);
  });

  it('takes two conditions on an entity with a key of two columns for a list of conditions', () => {
    const lists = [
      [{ text: 'x' }, { tenant: 'a' }],
      [{ $not: { text: 'x' } }, {}],
      [{ tenant: 'a', position: 1 }, ['b', 2]],
    ];
    for (const [one, other] of lists) {
      const second = Array.isArray(other) ? { tenant: 'b', position: 2 } : other;
      expect(resolve('Line', [one, other])).toEqual({ $or: [one, second] });
    }
    expect(resolve('Membership', [{ id: 7 }, { tenant: 'a', position: 1 }])).toEqual({
      user: [7],
      line: ['a', 1],
    });
  });

  it('finds the row of an entity whose key is made of references', () => {
    const [user, line] = [em.getReference(User, 7), em.getReference(Line, ['a', 1])];
    expect(resolve('Membership', [7, ['a', 1]])).toEqual({ user: 7, line: ['a', 1] });
    const membership = em.create(Membership, { user, line } as never, { persist: false });
    expect(resolve('Membership', membership)).toEqual({ user: 7, line: { tenant: 'a', position: 1 } });
  });

  describe('with more than a hundred keys', () => {
    const keys = Array.from({ length: 101 }, (_, i) => i);
    const condition = (where: object) => {
      const [fragment, ...others] = Object.getOwnPropertySymbols(where);
      expect([others, Object.keys(where)]).toEqual([[], []]);
      return raw((alias) => alias) && fragment!;
    };

    it('names a hundred one by one', () => {
      expect(resolve('User', keys.slice(1))).toEqual({ id: { $in: keys.slice(1) } });
    });

    it.each<[string, unknown[]]>([
      ['User', keys],
      ['Line', keys.map((key) => ['a', key])],
      ['Line', keys.map((key) => ({ tenant: 'a', position: key }))],
      ['Membership', keys.map((key) => [key, ['a', 1]])],
    ])('sends those of %s as arrays', (name, targets) => {
      expect(condition(resolve(name, targets))).toBeDefined();
    });

    it.each<[string, unknown[]]>([
      ['a condition on something else', [...keys, { name: 'Ada' }]],
      ['a condition on more', [...keys, { id: 1, name: 'Ada' }]],
      ['a comparison of the key', [...keys, { id: { $gt: 200 } }]],
      ['a key that is null', [...keys, { id: null }]],
    ])('names them one by one where there is %s among them', (_, targets) => {
      const where = resolve('User', targets);
      const [condition] = Object.values(where) as unknown[];
      expect(Object.keys(where)).toHaveLength(1);
      const all = Array.isArray(condition) ? condition : (condition as { $in: unknown[] }).$in;
      expect(all).toHaveLength(102);
    });
  });

  it.each([
    [undefined, `softDelete(): undefined is not a target. ${ADVICE}`],
    [null, `softDelete(): null is not a target. ${ADVICE}`],
    [{ id: undefined }, `softDelete(): the condition's id is undefined. ${ADVICE}`],
    [
      { $or: [{ name: 'Ada' }, { id: { $in: [1, undefined] } }] },
      `softDelete(): the condition's $or.1.id.$in.1 is undefined. ${ADVICE}`,
    ],
    [[7, undefined], `softDelete(): the condition's 1 is undefined. ${ADVICE}`],
    [[7, null], `softDelete(): the condition's 1 is undefined. ${ADVICE}`],
  ])('refuses %j', (target, message) => {
    expect(refusalOf('User', target)).toBe(message);
  });

  it('takes null for a value to compare with', () => {
    expect(resolve('User', { name: null })).toEqual({ name: null });
    expect(resolve('User', { $and: [{ name: null }] })).toEqual({ $and: [{ name: null }] });
  });

  it('looks into no SQL that is given', () => {
    const where = { [raw('lower(name)')]: 'ada', name: raw('?', [undefined]) };
    expect(resolve('User', where)).toBe(where);
  });

  it('refuses an entity that has no key yet', () => {
    const user = em.create(User, { name: 'Ada' } as never, { persist: false });
    for (const target of [user, [user], [7, user]]) {
      expect(refusalOf('User', target)).toBe('softDelete(): the User has no primary key yet. Flush it first.');
    }
  });
});

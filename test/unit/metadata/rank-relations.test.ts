import type { RelationPolicy } from 'nestjs-mikro-orm-soft-delete';
import type { GraphRelation, Membership } from '../../../lib/metadata/relations/graph-relation.js';
import { rankRelations } from '../../../lib/metadata/relations/rank-relations.js';

const PART: Membership = { parent: [], child: [{ column: 'kind', values: ['a'] }] };

/** A relation over one key: of all rows, or of a part; declared where its policy stands in the mark. */
function relation(name: string, policy: RelationPolicy, more: { of?: Membership; declared?: true; key?: true } = {}) {
  const members = more.of ?? { parent: [], child: [] };
  const edge = { name, property: more.key ? undefined : name, policy, members, except: [] } as unknown as GraphRelation;
  return { edge, isDeclared: more.declared === true };
}
const rank = (...candidates: ReturnType<typeof relation>[]) =>
  rankRelations(candidates).map(({ name, except }) => (except.length > 0 ? [name, except.length] : name));

describe(rankRelations, () => {
  it.each<[string, ReturnType<typeof relation>[], string]>([
    ['a cascade over one that says nothing', [relation('a', 'keep'), relation('b', 'cascade')], 'b'],
    ['a declared keep over a cascade', [relation('a', 'cascade'), relation('b', 'keep', { declared: true })], 'b'],
    ['a restrict over a declared keep', [relation('a', 'keep', { declared: true }), relation('b', 'restrict')], 'b'],
    ['a restrict over a cascade', [relation('a', 'restrict'), relation('b', 'cascade')], 'a'],
    ['a property over the key alone', [relation('a', 'keep', { key: true }), relation('b', 'keep')], 'b'],
    [
      'a property over the key alone, read first',
      [relation('a', 'cascade'), relation('b', 'cascade', { key: true })],
      'a',
    ],
    ['the key alone where it cascades', [relation('a', 'keep'), relation('b', 'cascade', { key: true })], 'b'],
    ['the first of equals', [relation('a', 'cascade'), relation('b', 'cascade')], 'a'],
  ])('lets one relation decide: %s', (_, candidates, decisive) => {
    expect(rank(...candidates)).toEqual([decisive]);
  });

  it('leaves to a relation of some rows those that it says something about', () => {
    const all = relation('all', 'cascade');
    const part = relation('part', 'keep', { of: PART, declared: true });
    expect(rankRelations([all, part]).map(({ name, except }) => [name, except])).toEqual([
      ['all', [PART]],
      ['part', []],
    ]);
  });

  it('lets the stricter of two relations of some rows decide about rows of both', () => {
    const [cascade, keep, restrict] = [
      relation('cascade', 'cascade', { of: PART }),
      relation('keep', 'keep', { of: PART, declared: true }),
      relation('restrict', 'restrict', { of: PART }),
    ];
    expect(rank(cascade, keep, restrict)).toEqual([['cascade', 2], ['keep', 1], 'restrict']);
    expect(rank(cascade, relation('other', 'cascade', { of: PART }))).toEqual(['cascade', 'other']);
  });

  it('takes a relation of some rows that says nothing for a way of reading', () => {
    const silent = relation('silent', 'keep', { of: PART });
    expect(rank(relation('all', 'cascade'), silent)).toEqual(['all']);
    expect(rank(relation('all', 'restrict'), silent)).toEqual(['all']);
    expect(rank(relation('all', 'keep'), silent)).toEqual(['all', 'silent']);
    expect(rank(silent)).toEqual(['silent']);
  });

  it('leaves out the key alone of a class where a relation of all rows is there', () => {
    const key = relation('key', 'cascade', { of: PART, key: true });
    expect(rank(relation('all', 'keep'), key)).toEqual(['all']);
    expect(rank(key)).toEqual(['key']);
    expect(rank(relation('part', 'restrict', { of: PART }), key)).toEqual(['part', ['key', 1]]);
  });
});

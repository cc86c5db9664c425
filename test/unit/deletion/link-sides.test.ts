import { linkSides } from '../../../lib/deletion/link-sides.js';

describe(linkSides, () => {
  const [post, tag, pivot] = [{ name: 'post' }, { name: 'tag' }, { name: 'pivot' }];
  const CONDITIONS = [{ column: 'kind', values: ['post'] }];
  const edge = (polymorphicSide: string | undefined, kind = 'pivot') => ({
    parent: post,
    child: tag,
    linkConditions: CONDITIONS,
    link: {
      kind,
      table: pivot,
      polymorphicSide,
      parentColumns: ['post_id'],
      parentReferenced: ['id'],
      childColumns: ['tag_id'],
      childReferenced: ['key'],
    },
  });
  const sides = (edges: object[], ...going: object[]) =>
    linkSides({ edges } as never, { count: (meta: object) => Number(going.includes(meta)) } as never);
  const front = { table: pivot, end: post, columns: ['post_id'], referenced: ['id'] };
  const behind = { table: pivot, end: tag, columns: ['tag_id'], referenced: ['key'] };

  it('are the keys of pivot tables that may reference one of the rows', () => {
    const plain = { conditions: [], isPolymorphic: false };
    expect(sides([edge(undefined)], post, tag)).toEqual([
      { ...front, ...plain },
      { ...behind, ...plain },
    ]);
    expect(sides([edge(undefined)], post)).toEqual([{ ...front, ...plain }]);
    expect(sides([edge(undefined)], tag)).toEqual([{ ...behind, ...plain }]);
    expect(sides([edge(undefined)])).toEqual([]);
    expect(sides([edge(undefined, 'child-key'), edge(undefined, 'parent-key')], post, tag)).toEqual([]);
  });

  it.each([
    ['parent', 0],
    ['child', 1],
  ])('tell which rows they reference on the %s side alone, where that is of several entities', (side, index) => {
    expect(sides([edge(side)], post, tag).map(({ conditions, isPolymorphic }) => [conditions, isPolymorphic])).toEqual(
      [0, 1].map((i) => (i === index ? [CONDITIONS, true] : [[], false])),
    );
  });
});

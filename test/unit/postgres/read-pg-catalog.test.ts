import { readPgCatalog } from '../../../lib/postgres/catalog/read-pg-catalog.js';
import type { ForeignKeyRow } from '../../../lib/postgres/catalog/read-foreign-keys.js';
import type { IndexRow } from '../../../lib/postgres/catalog/read-indexes.js';
import type { TableRow } from '../../../lib/postgres/catalog/read-tables.js';

const table = (id: number, relation: string, more: Partial<TableRow> = {}): TableRow => ({
  id,
  relation,
  schema: 'public',
  quotedRelation: `"${relation}"`,
  quotedSchema: '"public"',
  pages: 1,
  isPartitioned: false,
  root: null,
  isView: false,
  isInherited: false,
  isFiltered: false,
  hasPolicies: false,
  named: [1, null],
  ...more,
});
const key = (constraint: string, action: string, more: Partial<ForeignKeyRow> = {}): ForeignKeyRow => ({
  constraint,
  from: 1,
  fromRoot: null,
  to: 2,
  toRoot: null,
  fromNumbers: [2],
  toNumbers: [1],
  action,
  isEnforced: true,
  ...more,
});

describe(readPgCatalog, () => {
  const TABLES = [table(1, 'line'), table(2, 'order')];
  const read = (keys: readonly ForeignKeyRow[], tables = TABLES, indexes: readonly IndexRow[] = []) => {
    const columns = [1, 2].flatMap((number) =>
      tables.map(({ id }) => ({ table: id, number, name: number === 1 ? 'id' : 'order_id', type: 'integer' })),
    );
    const answers: object[][] = [[...keys], tables, columns, [...indexes]];
    const reader = { read: () => Promise.resolve(answers.shift() as never), quote: String };
    return readPgCatalog(reader, ['"line"', '"gone"'], { indexes: true, fingerprints: false });
  };

  it('knows what the database does to the rows that reference a removed one', async () => {
    const { keys } = await read([key('a', 'a'), key('b', 'r'), key('c', 'c'), key('d', 'n'), key('e', 'd')]);
    expect(keys.map(({ action }) => action)).toEqual(['no action', 'restrict', 'cascade', 'set null', 'set default']);
  });

  it('has keys in the order of their names, then of their tables, with their columns by name', async () => {
    const { keys } = await read([
      key('b', 'a'),
      key('a', 'a', { from: 2, to: 1, fromNumbers: [1, 2], toNumbers: [2, 1] }),
      key('a', 'a'),
    ]);
    expect(
      keys.map(({ constraint, from, fromColumns, to, toColumns }) => [
        constraint,
        from.name,
        fromColumns,
        to.name,
        toColumns,
      ]),
    ).toEqual([
      ['a', '"public"."line"', ['order_id'], '"public"."order"', ['id']],
      ['a', '"public"."order"', ['id', 'order_id'], '"public"."line"', ['order_id', 'id']],
      ['b', '"public"."line"', ['order_id'], '"public"."order"', ['id']],
    ]);
  });

  it('finds the tables that are there, by the names that were asked for', async () => {
    const { byName } = await read([]);
    expect([...byName].map(([name, { label }]) => [name, label])).toEqual([['"line"', 'line']]);
  });

  it.each<[string, TableRow[]]>([
    ['referencing', [table(2, 'order', { named: [] })]],
    ['referenced', [table(1, 'line')]],
  ])('leaves out a key whose %s table was dropped meanwhile', async (_, tables) => {
    expect((await read([key('a', 'a')], tables)).keys).toEqual([]);
  });

  it.each<[string, ForeignKeyRow, TableRow[]]>([
    ['referencing', key('a', 'a', { fromRoot: 3 }), TABLES],
    ['referenced', key('a', 'a', { toRoot: 3 }), TABLES],
  ])('leaves out a key the root of whose %s partition was dropped meanwhile', async (_, of, tables) => {
    expect((await read([of], tables)).keys).toEqual([]);
  });

  it('takes a key of a partition for one of the partitioned table that the database does not see to as a whole', async () => {
    const root = table(3, 'lines', { isPartitioned: true });
    const ofLeaf = await read([key('a', 'a', { fromRoot: 3 })], [table(1, 'line', { root: 3 }), TABLES[1]!, root]);
    const toLeaf = await read([key('a', 'a', { toRoot: 3 })], [TABLES[0]!, table(2, 'order', { root: 3 }), root]);
    for (const [{ keys }, from, to] of [
      [ofLeaf, 'lines', 'order'],
      [toLeaf, 'line', 'lines'],
    ] as const) {
      expect(keys).toMatchObject([{ isEnforced: false, isOff: false }]);
      expect([keys[0]!.from.label, keys[0]!.to.label]).toEqual([from, to]);
    }
  });

  it('tells a key that is off from one that is enforced', async () => {
    const { keys } = await read([key('a', 'a'), key('b', 'a', { isEnforced: false })]);
    expect(keys.map(({ isEnforced, isOff }) => [isEnforced, isOff])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it.each<[string, Partial<IndexRow>, boolean]>([
    ['begins with its columns', { numbers: [2, 1] }, true],
    ['has them later', { numbers: [1, 2] }, false],
    ['holds the rows in which they have values', { condition: '(order_id IS NOT NULL)' }, true],
    ['holds other rows', { condition: '(id > 5)' }, false],
  ])('says whether an index that %s finds the referencing rows', async (_, index, isIndexed) => {
    const of = { table: 1, numbers: [2], isPrimary: false, condition: null, ...index };
    const { keys } = await read([key('a', 'a')], TABLES, [of]);
    expect(keys[0]!.isIndexed).toBe(isIndexed);
  });
});

import { BatchEnds } from '../../../lib/purge/batch/batch-ends.js';
import type { BatchTransaction } from '../../../lib/purge/connection/purge-connection.js';
import type { PassOrder } from '../../../lib/purge/fragments/batch-range.js';
import type { DueRows } from '../../../lib/purge/fragments/row-sql.js';

/** A table of rows that were deleted one after the other, and the ends that were asked for: `from`, and `count` times `size`. */
function createTable(rows: number) {
  const asked: { from: number; size: number; count: number }[] = [];
  const table = {
    asked,
    error: undefined as Error | undefined,
    transaction: {
      async execute(sql: string) {
        const from = Number(/> \('\d+'::int8, '(\d+)'::int4\)/.exec(sql)?.[1] ?? 0);
        const size = Number(/offset (\d+)/.exec(sql)![1]) + 1;
        const count = Number(/n < (\d+)/.exec(sql)?.[1] ?? 1);
        asked.push({ from, size, count });
        if (table.error) {
          throw table.error;
        }
        const ends = Array.from({ length: count }, (_, i) => from + (i + 1) * size).filter((end) => end <= rows);
        return ends.map((end) => ({ last: [String(end), String(end)] }));
      },
    } as unknown as BatchTransaction,
  };
  return table;
}

const column = (name: string, type: string) => ({ name, type });
const dueRows = (hasPurgeIndex: boolean) =>
  ({
    plan: {
      entity: { deletedAt: column('at', 'int8'), table: { name: 'row', key: [column('id', 'int4')] }, hasPurgeIndex },
    },
    cutoff: '0',
    quote: (value: unknown) => `'${String(value)}'`,
  }) as unknown as DueRows;
const due = dueRows(true);
const range = (size: number, last?: number, order: PassOrder = 'age') => ({
  order,
  size,
  cursor: last === undefined ? undefined : [String(last), String(last)],
  untilPage: 10,
  isSparse: false,
});

describe(BatchEnds.name, () => {
  it('reads one end at a time, in a statement that is planned once, where no step is wanted', async () => {
    const { transaction, asked } = createTable(30_000);
    const statements: string[] = [];
    const execute = (sql: string) => {
      statements.push(sql);
      return transaction.execute(sql);
    };
    const ends = new BatchEnds(Infinity);

    expect(ends.round(4_321)).toBe(4_321);
    expect((await ends.next({ ...transaction, execute } as BatchTransaction, due, range(4_321)))?.[0]).toBe('4321');
    expect(asked).toEqual([{ from: 0, size: 4_321, count: 1 }]);
    expect(statements[0]).not.toMatch(/recursive/);
  });

  it('reads the ends of batches ahead, and again where they do not suffice or the cursor is another one', async () => {
    const { transaction, asked } = createTable(30_000);
    const ends = new BatchEnds(500);
    const next = async (size: number, last?: number) =>
      Number((await ends.next(transaction, due, range(size, last)))?.[0]);

    await expect(next(500)).resolves.toBe(500);
    await expect(next(1_000, 500)).resolves.toBe(1_500);
    await expect(next(1_000, 500)).resolves.toBe(1_500);
    expect(asked).toEqual([{ from: 0, size: 500, count: 8 }]);

    await expect(next(5_000, 1_500)).resolves.toBe(6_500);
    await expect(next(5_000, 6_500)).resolves.toBe(11_500);
    expect(asked.splice(0)).toHaveLength(2);

    await expect(next(2_000, 11_501)).resolves.toBe(13_501);
    await expect(next(400, 13_501)).resolves.toBe(13_901);
    expect(asked).toEqual([
      { from: 11_501, size: 500, count: 32 },
      { from: 13_501, size: 400, count: 1 },
    ]);
  });

  it('has none for a batch that fewer rows are left for, without asking again', async () => {
    const { transaction, asked } = createTable(1_400);
    const ends = new BatchEnds(500);

    await expect(ends.next(transaction, due, range(1_000))).resolves.toEqual(['1000', '1000']);
    await expect(ends.next(transaction, due, range(500, 1_000))).resolves.toBeUndefined();
    await expect(ends.next(transaction, due, range(5_000, 1_000))).resolves.toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it('looks for one end at a time once it took too long to look for several', async () => {
    const table = createTable(30_000);
    const ends = new BatchEnds(500);
    table.error = new Error('canceling statement due to statement timeout');
    await expect(ends.next(table.transaction, due, range(1_000))).rejects.toThrow(table.error);
    table.error = undefined;

    await expect(ends.next(table.transaction, due, range(1_000))).resolves.toEqual(['1000', '1000']);
    await ends.next(table.transaction, due, range(1_500, 1_000));

    expect(table.asked.map(({ count }) => count)).toEqual([16, 2, 3]);
  });

  it.each([
    { where: 'in physical order', order: 'place', hasPurgeIndex: true },
    { where: 'without an index', order: 'age', hasPurgeIndex: false },
  ] as const)('looks for each end $where', async ({ order, hasPurgeIndex }) => {
    const { transaction, asked } = createTable(30_000);
    const ends = new BatchEnds(500);

    await ends.next(transaction, dueRows(hasPurgeIndex), range(1_000, undefined, order));
    await ends.next(transaction, dueRows(hasPurgeIndex), range(1_000, 1_000, order));

    expect(asked.map(({ size, count }) => [size, count])).toEqual([
      [1_000, 1],
      [1_000, 1],
    ]);
  });

  it.each([
    [4, 4],
    [499, 499],
    [500, 500],
    [4_572, 4_500],
  ])('makes of %i rows a batch of %i', (size, rounded) => {
    expect(new BatchEnds(500).round(size)).toBe(rounded);
  });
});

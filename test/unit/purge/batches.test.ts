import { BatchSize } from '../../../lib/purge/batch/batch-size.js';
import {
  BATCH_SIZE_LIMITS,
  EXPENSIVE_ROWS_LIMITS,
  batchSizeLimits,
} from '../../../lib/purge/batch/batch-size-limits.js';
import { classifyFailure } from '../../../lib/purge/connection/classify-failure.js';
import { isolateFailures } from '../../../lib/purge/run/isolate-failures.js';
import { OptimisticBatches } from '../../../lib/purge/batch/optimistic-batches.js';
import { WorkClock } from '../../../lib/purge/connection/work-clock.js';

describe(BatchSize.name, () => {
  /** Sizes of batches whose time is a fixed part and one per row, the first of them excepted. */
  const sizes = (
    count: number,
    time: (rows: number, batch: number) => number,
    size = new BatchSize(BATCH_SIZE_LIMITS),
  ) =>
    Array.from({ length: count }, (_, batch) => {
      const { current } = size;
      size.took(time(current, batch), current);
      return current;
    });

  it('adapts to the time that rows take, at most halving and at most fourfold, after one small batch where that is long', () => {
    expect(sizes(3, (rows) => rows * 0.01)).toEqual([500, 2_000, 5_000]);
    expect(sizes(6, (rows) => rows * 0.4)).toEqual([500, 31, 250, 125, 125, 125]);
    expect(sizes(7, (rows) => rows * 5)).toEqual([500, 31, 250, 125, 63, 50, 50]);
  });

  it('looks again, now and then, at what a batch takes without its rows', () => {
    const all = sizes(60, (rows) => rows * 0.4);
    expect(all.slice(6).filter((rows) => rows < 50)).toHaveLength(4);
  });

  it.each([20, 50, 100, 400, 2_000])('is not brought down by what a batch takes anyway: %s ms', (fixed) => {
    const all = sizes(12, (rows) => fixed + rows * 0.005);
    expect(all.filter((rows) => rows < 500)).toHaveLength(1);
    expect(all.slice(-4)).toEqual([5_000, 5_000, 5_000, 5_000]);
  });

  it('finds the size at which the rows take as long as they should, beside a fixed part, and a little more', () => {
    const all = sizes(12, (rows) => 30 + rows * 0.05);
    expect(all.at(-1)).toBeGreaterThan(1_400);
    expect(all.at(-1)).toBeLessThan(1_800);
  });

  it.each([
    { what: 'the network', fixed: 0, network: 200, atLeast: 1_700, atMost: 2_300 },
    { what: 'the database, up to as long as that', fixed: 200, network: 0, atLeast: 3_700, atMost: 4_300 },
  ])('lets rows take longer where a batch costs much anyway: $what', ({ fixed, network, atLeast, atMost }) => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    for (let i = 0; i < 12; i++) {
      size.took(fixed + size.current * 0.05, size.current, network);
    }
    expect(size.current).toBeGreaterThan(atLeast);
    expect(size.current).toBeLessThan(atMost);
  });

  it('does not go on shrinking where that did not help, though small batches were faster once', () => {
    // The database has more to do than when the small batch was tried.
    const all = sizes(12, (rows, batch) => (batch < 2 ? 150 : 450) + rows * 0.02);
    expect(Math.min(...all.slice(2))).toBeGreaterThanOrEqual(250);
    expect(Math.max(...all)).toBe(5_000);
  });

  it('grows where the first rows of a batch cost more than further ones', () => {
    const all = sizes(14, (rows) => 120 + rows * 0.012 + 100 * (1 - Math.exp(-rows / 1_000)));
    expect(Math.max(...all)).toBe(5_000);
  });

  it('gives statements time for what they take anyway', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    sizes(4, (rows) => 400 + rows * 0.02, size);
    expect(size.statementTimeout).toBeGreaterThan(850);
    expect(size.statementTimeout).toBeLessThan(1_000);
  });

  it('finds it again when rows or batches become slower or faster, and in spite of noise', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    const noise = (batch: number) => 1 + 0.2 * Math.sin(batch * 7);
    expect(sizes(20, (rows, batch) => rows * 0.005 * noise(batch), size).at(-1)).toBe(5_000);
    const slow = sizes(20, (rows, batch) => rows * 0.5 * noise(batch), size);
    expect(Math.max(...slow.slice(-8))).toBeLessThan(300);
    expect(sizes(20, (rows, batch) => (100 + rows * 0.005) * noise(batch), size).at(-1)).toBeGreaterThan(2_000);
  });

  it('comes down at once after a timeout, and lets batches take longer where that does not help', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    expect(size.statementTimeout).toBe(500);
    size.timedOut();
    expect([size.current, size.statementTimeout]).toEqual([62, 500]);
    size.timedOut();
    size.timedOut();
    expect([size.current, size.statementTimeout]).toEqual([1, 2_000]);
    for (let i = 0; i < 20; i++) {
      size.took(10, size.current);
    }
    expect([size.current, size.statementTimeout]).toEqual([5_000, 500]);
  });

  it('grows back where timeouts came from what a batch takes anyway', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    size.timedOut();
    size.timedOut();
    const all = sizes(8, (rows) => 700 + rows * 0.005, size);
    expect(all).toEqual([7, 28, 112, 448, 1_792, 5_000, 5_000, 5_000]);
  });

  it('stays small where timeouts came from rows', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    size.timedOut();
    size.timedOut();
    const all = sizes(8, (rows) => 1 + rows * 20, size);
    expect(all.slice(0, 2)).toEqual([7, 28]);
    expect(all.at(-1)).toBe(BATCH_SIZE_LIMITS.smallest);
  });

  it.each([
    [31, [31, 124]],
    [32, [32, 2]],
  ])('compares a small batch with a larger one, and a larger one with a small one: %d rows', (start, expected) => {
    expect(sizes(2, (rows) => rows * 20, new BatchSize({ ...BATCH_SIZE_LIMITS, start }))).toEqual(expected);
  });

  it('learns nothing from batches that were not half full', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    size.took(400, 10);
    size.took(400, 0);
    size.took(1, 249);
    expect(size.current).toBe(500);
    size.took(1, 250);
    expect(size.current).toBe(2_000);
  });

  /** Sizes with how often they follow each other: `500 31 5000×3`. */
  const inShort = (all: readonly number[]) =>
    all
      .reduce<[size: number, times: number][]>((runs, size) => {
        const last = runs.at(-1);
        return last?.[0] === size ? [...runs.slice(0, -1), [size, last[1] + 1]] : [...runs, [size, 1]];
      }, [])
      .map(([size, times]) => (times > 1 ? `${size}×${times}` : `${size}`))
      .join(' ');

  it.each<{ what: string; count: number; time: (rows: number, batch: number) => number; expected: string }>([
    {
      what: 'every thirteenth batch, while rows are slow',
      count: 30,
      time: (rows) => rows * 0.4,
      expected: '500 31 250 125×11 8 125×12 8 125×2',
    },
    {
      what: 'every thirteenth batch, while batches cost more than half of what they should anyway',
      count: 30,
      time: (rows) => 40 + rows * 0.005,
      expected: '500 31 2000 5000×11 313 5000×12 313 5000×2',
    },
    {
      what: 'as long as batches cost just more than half of that',
      count: 40,
      time: (rows, batch) => (batch < 4 ? 100 : 26) + rows * 0.005,
      expected: '500 31 2000 5000×11 313 5000×12 313 5000×12',
    },
    {
      what: 'no more when they cost just less',
      count: 40,
      time: (rows, batch) => (batch < 4 ? 100 : 24) + rows * 0.005,
      expected: '500 31 2000 5000×11 313 5000×25',
    },
    {
      what: 'no more when rows and batches are fast',
      count: 40,
      time: (rows, batch) => rows * (batch < 4 ? 0.5 : 0.004),
      expected: '500 31 250 125 100 400 1600 5000×33',
    },
  ])('looks again at what a batch takes anyway: $what', ({ count, time, expected }) => {
    expect(inShort(sizes(count, time))).toBe(expected);
  });

  it.each<{ what: string; count: number; time: (rows: number, batch: number) => number; expected: string }>([
    {
      what: 'rows may take what is left of the time, at most as much again as a batch should',
      count: 5,
      time: (rows) => 30 + rows * 0.05,
      expected: '500 31 1600×3',
    },
    {
      what: 'rows may take as long as what a batch takes anyway',
      count: 6,
      time: (rows) => 200 + rows * 0.05,
      expected: '500 31 2000 4000×3',
    },
    { what: 'slow rows too', count: 5, time: (rows) => 700 + rows, expected: '500 31 700×3' },
    {
      what: 'batches that became slow at another time are no reason to shrink',
      count: 12,
      time: (rows, batch) => (batch < 2 ? 150 : 450) + rows * 0.02,
      expected: '500 31 2000 1000 2083 2189 2374 2687 3194 4642 5000×2',
    },
    {
      what: 'measurements with noise count half each',
      count: 9,
      time: (rows, batch) => (60 + rows * 0.05) * (1 + 0.3 * Math.sin(batch * 7)),
      expected: '500 31 2000 1152 917 1411 3165 3945 3751',
    },
    {
      what: 'the first rows of a batch cost more than further ones',
      count: 7,
      time: (rows) => 120 + rows * 0.012 + 100 * (1 - Math.exp(-rows / 1_000)),
      expected: '500 31 1350 2628 3956 5000×2',
    },
  ])('finds the size from batches of several sizes: $what', ({ count, time, expected }) => {
    expect(inShort(sizes(count, time))).toBe(expected);
  });

  it('keeps a size that is fixed, whatever batches take', () => {
    for (const fixed of [1, 7, 50, 500]) {
      const size = new BatchSize(batchSizeLimits(fixed));
      expect(new Set([...sizes(4, () => 1, size), ...sizes(20, () => 10_000, size)])).toEqual(new Set([fixed]));
    }
    expect(batchSizeLimits(undefined)).toEqual({ start: 500, smallest: 50, largest: 5_000, aim: 50, longest: 100 });
  });

  it.each([
    { what: '15 ms a row', time: (rows: number) => rows * 15, expected: '4 3×7' },
    { what: '15 ms a row beside 30 ms', time: (rows: number) => 30 + rows * 15, expected: '4 2×7' },
    { what: '200 ms a row', time: (rows: number) => rows * 200, expected: '4 2 1×6' },
    {
      what: 'rows that cost little after all',
      time: (rows: number) => rows * 0.01,
      expected: '4 16 64 256 1024 4096 5000×2',
    },
  ])('reaches what rows may take from below, where they may be expensive: $what', ({ time, expected }) => {
    expect(inShort(sizes(8, time, new BatchSize(EXPENSIVE_ROWS_LIMITS)))).toBe(expected);
  });

  it('makes no small batch where rows are not to take longer in any case', () => {
    const careful = { ...BATCH_SIZE_LIMITS, aim: 100 };
    expect(sizes(4, (rows) => rows * 0.4, new BatchSize(careful))).toEqual([500, 250, 250, 250]);
    const size = new BatchSize(careful);
    size.timedOut();
    size.timedOut();
    expect(sizes(6, (rows) => rows * 20, size)).toEqual([7, 14, 28, 50, 50, 50]);
  });

  it('forgets at a timeout what it was about to find out', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    expect(sizes(1, (rows) => rows * 0.4, size)).toEqual([500]);
    size.timedOut();
    expect(sizes(8, (rows) => rows * 0.4, size)).toEqual([3, 12, 48, 125, 8, 125, 125, 125]);

    const costly = new BatchSize(BATCH_SIZE_LIMITS);
    sizes(4, (rows) => 400 + rows * 0.02, costly);
    expect(costly.statementTimeout).toBe(900);
    costly.timedOut();
    expect(costly.statementTimeout).toBe(500);
    expect(sizes(5, (rows) => 100 + rows * 0.05, costly)).toEqual([625, 39, 2_000, 2_000, 2_000]);
  });

  it('doubles the time of a statement with each further timeout, up to a minute, and halves it after batches that took an eighth', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    const timeouts = Array.from({ length: 10 }, () => {
      size.timedOut();
      return size.statementTimeout;
    });
    expect(timeouts).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    const after = (milliseconds: number) => {
      size.took(milliseconds, 0);
      return size.statementTimeout;
    };
    expect([7_500, 7_499, 3_750, 3_749, 1_874, 936, 468, 234, 100, 1].map(after)).toEqual(
      [60_000, 30_000, 30_000, 15_000, 7_500, 3_750, 1_875, 937.5, 500, 500].map(Math.ceil),
    );
    size.timedOut();
    after(400);
    size.timedOut();
    expect(size.statementTimeout).toBe(500);
  });
});

describe(WorkClock.name, () => {
  it('leaves out what the network takes, and the wait for a connection', async () => {
    const clock = new WorkClock();
    clock.answered(20);
    const measure = clock.start();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const all = measure().worked;
    clock.answered(25);
    expect(measure().worked).toBeLessThan(all - 15);
    clock.waited(10_000);
    expect(measure()).toEqual({ worked: 0, network: expect.closeTo(20.2) });
  });
});

describe(isolateFailures.name, () => {
  it('finds any bad rows with at most two attempts per halving', async () => {
    for (const bad of [[0], [511], [17, 400], [100, 101, 102], [...Array(8).keys()].map((n) => n * 64)]) {
      const rows = Array.from({ length: 512 }, (_, i) => i);
      const [done, refused] = [new Set<number>(), [] as number[]];
      let attempts = 0;
      await isolateFailures(
        rows,
        async (some) => {
          attempts++;
          if (some.some((row) => bad.includes(row))) {
            return { error: 'no', isCertain: true };
          }
          some.forEach((row) => done.add(row));
          return 'done';
        },
        (row) => refused.push(row),
      );
      expect(refused).toEqual(bad);
      expect(done.size).toBe(512 - bad.length);
      expect(attempts).toBeLessThanOrEqual(1 + bad.length * 2 * Math.log2(512));
    }
  });
});

describe(OptimisticBatches.name, () => {
  it('looks first for longer with each batch that was lost', () => {
    const batches = new OptimisticBatches();
    const looks = [1, 2, 4, 8].map(() => {
      batches.refused();
      let count = 0;
      for (; !batches.isAllowed; count++) {
        batches.checked(0);
      }
      return count;
    });
    expect(looks).toEqual([1, 2, 4, 8]);
    batches.checked(3);
    expect(batches.isAllowed).toBe(false);
  });
});

describe(classifyFailure.name, () => {
  const error = (code: string, more: object = {}) => Object.assign(new Error('refused'), { code, ...more });

  it('knows what is worth trying again, and what a trigger says from what the server says', () => {
    const kinds = {
      '55P03': 'locked',
      '57014': 'slow',
      '40P01': 'again',
      '40001': 'again',
      '25006': 'fatal',
      '42501': 'fatal',
    };
    for (const [code, kind] of Object.entries({
      ...kinds,
      '57P01': 'connection',
      ECONNRESET: 'connection',
      '23503': 'row',
    })) {
      expect([code, classifyFailure(error(code))]).toEqual([code, kind]);
    }
    expect(classifyFailure(error('42501', { where: 'PL/pgSQL function guard() line 1 at RAISE' }))).toBe('row');
    expect(classifyFailure(new Error('Connection terminated unexpectedly'))).toBe('connection');
    expect(classifyFailure(new Error('wrapped', { cause: error('40P01') }))).toBe('again');
    expect(classifyFailure('anything')).toBe('row');
  });
});

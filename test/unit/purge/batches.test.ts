import { BATCH_SIZE_LIMITS, BatchSize } from '../../../lib/purge/batch/batch-size.js';
import { classifyFailure } from '../../../lib/purge/connection/classify-failure.js';
import { isolateFailures } from '../../../lib/purge/run/isolate-failures.js';
import { Trust } from '../../../lib/purge/batch/optimistic-batches.js';
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

  it('learns nothing from batches that were not full', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    size.took(400, 10);
    size.took(400, 0);
    expect(size.current).toBe(500);
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

describe(Trust.name, () => {
  it('looks first for longer with each batch that was lost', () => {
    const trust = new Trust();
    const looks = [1, 2, 4, 8].map(() => {
      trust.lost();
      let count = 0;
      for (; !trust.isGiven; count++) {
        trust.looked(0);
      }
      return count;
    });
    expect(looks).toEqual([1, 2, 4, 8]);
    trust.looked(3);
    expect(trust.isGiven).toBe(false);
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

import { BATCH_SIZE_LIMITS, BatchSize } from '../../../lib/purge/batch/batch-size.js';
import { classifyFailure } from '../../../lib/purge/connection/classify-failure.js';
import { isolateFailures } from '../../../lib/purge/run/isolate-failures.js';
import { Trust } from '../../../lib/purge/batch/optimistic-batches.js';

describe(BatchSize.name, () => {
  it('adapts to the time a batch takes, comes down at once and goes up again', () => {
    const size = new BatchSize(BATCH_SIZE_LIMITS);
    const sizes = [size.current];
    for (const ms of [5, 10, 10, 200, 50, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]) {
      size.took(ms, size.current);
      sizes.push(size.current);
    }
    expect(sizes).toEqual([500, 2_000, 5_000, 5_000, 2_500, 2_500, 1_250, 625, 313, 157, 79, 50, 50]);

    size.timedOut();
    size.timedOut();
    expect(size.current).toBe(1);
    for (let i = 0; i < 20; i++) {
      size.took(10, size.current);
    }
    expect(size.current).toBe(5_000);
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

import { type AttemptOutcome, isolateFailures } from '../../../lib/purge/run/isolate-failures.js';

describe(isolateFailures.name, () => {
  const isolate = async (count: number, bad: readonly number[], isCertain = true) => {
    const rows = Array.from({ length: count }, (_, i) => i + 1);
    const attempts: number[][] = [];
    const removed: number[] = [];
    const refused: [number, unknown][] = [];
    await isolateFailures(
      rows,
      async (some): Promise<AttemptOutcome> => {
        attempts.push([...some]);
        const found = bad.filter((row) => some.includes(row));
        if (found.length > 0) {
          return { error: `refuses ${found.join()}`, isCertain };
        }
        removed.push(...some);
        return 'done';
      },
      (row, error) => refused.push([row, error]),
    );
    return { attempts, removed, refused };
  };

  it('is done with one attempt where nothing refuses, and none without rows', async () => {
    expect((await isolate(8, [])).attempts).toEqual([[1, 2, 3, 4, 5, 6, 7, 8]]);
    expect((await isolate(0, [])).attempts).toEqual([]);
  });

  it('removes all but the bad row, and tells why it stays', async () => {
    for (const bad of [1, 3, 5]) {
      const { removed, refused } = await isolate(5, [bad]);
      expect(removed.toSorted()).toEqual([1, 2, 3, 4, 5].filter((row) => row !== bad));
      expect(refused).toEqual([[bad, `refuses ${bad}`]]);
    }
    expect((await isolate(1, [1])).refused).toEqual([[1, 'refuses 1']]);
  });

  it('does not try a half as a whole that must hold the bad row', async () => {
    expect((await isolate(4, [4])).attempts).toEqual([[1, 2, 3, 4], [1, 2], [3]]);
    expect((await isolate(4, [1])).attempts).toEqual([[1, 2, 3, 4], [1, 2], [1], [2], [3, 4]]);
    expect((await isolate(5, [4])).attempts).toEqual([[1, 2, 3, 4, 5], [1, 2, 3], [4], [5]]);
  });

  it('tries the second half after all where the refusal may have had another reason', async () => {
    const { attempts, removed, refused } = await isolate(4, [4], false);
    expect(attempts).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]);
    expect([removed, refused]).toEqual([[1, 2, 3], [[4, 'refuses 4']]]);
  });

  it('finds several bad rows, with few attempts among many rows', async () => {
    const { removed, refused, attempts } = await isolate(1_000, [17, 500, 501, 1_000]);
    expect(removed.length).toBe(996);
    expect(refused.map(([row]) => row)).toEqual([17, 500, 501, 1_000]);
    expect(attempts.length).toBeLessThan(80);
  });
});

import type { PurgeConnection } from '../../../lib/purge/connection/purge-connection.js';
import { readDueTimes, retentionOf } from '../../../lib/purge/plan/due-times.js';

describe(retentionOf.name, () => {
  it.each<[string, Parameters<typeof retentionOf>, number | 'forever']>([
    ['its own', [{ retention: 5 }, 9], 5],
    ['the general one', [{ retention: undefined }, 9], 9],
    ['for ever, of its own', [{ retention: 'forever' }, 9], 'forever'],
    ['for ever in general', [{ retention: undefined }, 'forever'], 'forever'],
    ['what a run asks for, if that is longer', [{ retention: 5 }, 9, 7], 7],
    ['its own, if that is longer than what a run asks for', [{ retention: 5 }, 9, 3], 5],
    ['what a run asks for, instead of for ever in general', [{ retention: undefined }, 'forever', 7], 7],
    ['for ever of its own, whatever a run asks for', [{ retention: 'forever' }, 9, 7], 'forever'],
  ])('is %s', (_name, args, expected) => {
    expect(retentionOf(...args)).toBe(expected);
  });
});

describe(readDueTimes.name, () => {
  // 2026-01-31 00:00:00.123456 UTC
  const connection = { read: async () => [{ now: '1769817600123456' }] } as unknown as PurgeConnection;

  it('takes retentions off one reading of the clock, to the microsecond', async () => {
    const day = 24 * 60 * 60 * 1_000;
    const { now, cutoffs } = await readDueTimes(
      connection,
      [
        { name: 'A', retention: 30 * day },
        { name: 'B', retention: 'forever' },
        { name: 'C', retention: undefined },
        { name: 'D', retention: 0.5 },
        { name: 'E', retention: Number.MAX_SAFE_INTEGER },
      ],
      day,
    );
    expect(now).toEqual(new Date('2026-01-31T00:00:00.123Z'));
    expect([...cutoffs].map(([name, { text }]) => `${name} ${text}`)).toEqual([
      'A 2026-01-01T00:00:00.123456+00',
      'C 2026-01-30T00:00:00.123456+00',
      'D 2026-01-31T00:00:00.122456+00',
      'E 1026-10-01T00:00:00.123456+00',
    ]);
    expect(cutoffs.get('A')!.date).toEqual(new Date('2026-01-01T00:00:00.123Z'));
    await expect(readDueTimes(connection, [{ name: 'A', retention: 1 }], day, 2)).resolves.toMatchObject({
      cutoffs: new Map([['A', { text: '2026-01-31T00:00:00.121456+00' }]]),
    });
  });
});

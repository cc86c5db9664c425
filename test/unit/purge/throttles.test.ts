import { jest } from '@jest/globals';
import { replicationLag, vacuumBacklog, window } from 'nestjs-mikro-orm-soft-delete';
import type { PurgeThrottle, PurgeThrottleDatabase } from '../../../lib/options/purge-throttle.js';

const STATE = { entity: 'User', purged: 0, batchMs: 0 };

/** What a throttle answers where its query gives a row. */
const ask = async (throttle: PurgeThrottle, row: object) => {
  const read = jest.fn(async (_sql: string) => [row]);
  const database = { table: '"a"."user"', quote: (text: string) => `'${text}'`, read };
  const answer = await throttle(STATE, database as unknown as PurgeThrottleDatabase);
  return { answer, sql: read.mock.calls[0]![0] };
};

describe(window.name, () => {
  it.each([
    [
      '09:00',
      '17:30',
      { '08:59': 'stop', '09:00': 'go', '12:00': 'go', '17:29': 'go', '17:30': 'stop', '23:00': 'stop' },
    ],
    [
      '22:00',
      '06:00',
      { '21:59': 'stop', '22:00': 'go', '23:59': 'go', '00:00': 'go', '05:59': 'go', '06:00': 'stop' },
    ],
    ['00:00', '00:01', { '00:00': 'go', '00:01': 'stop', '23:59': 'stop' }],
  ])('from %s to %s goes from the first minute to the one before the last', async (from, to, expected) => {
    const throttle = window({ from, to, timeZone: 'Europe/Berlin' });
    const answers = await Promise.all(
      Object.keys(expected).map(async (time) => [time, (await ask(throttle, { time })).answer]),
    );
    expect(Object.fromEntries(answers)).toEqual(expected);
    expect((await ask(throttle, { time: '12:00' })).sql).toContain(`at time zone 'Europe/Berlin'`);
  });

  it.each([
    [{ from: '24:00' }, `window(), from: "24:00" is not a time of day. Write hours and minutes, such as '22:00'.`],
    [{ from: '9:00' }, 'window(), from: "9:00" is'],
    [{ from: ' 09:00' }, 'window(), from: " 09:00" is'],
    [{ to: '06:60' }, 'window(), to: "06:60" is not a time of day.'],
    [{ to: 6 }, 'window(), to: 6 is not a time of day.'],
    [{ from: '06:00' }, 'window(): from and to are both 06:00. Leave the window out for the whole day.'],
    [
      { timeZone: 'Mars' },
      `window(), timeZone: "Mars" is not a time zone. Write a name of the IANA database, such as 'Europe/Berlin'.`,
    ],
    [{ timeZone: undefined }, 'window(), timeZone: undefined is not a time zone.'],
    [{ timeZone: '+02:00' }, 'window(), timeZone: "+02:00" is not a time zone.'],
    [{ until: '07:00' }, /^window\(\).*until/],
  ])('refuses %j, and says why', (options, message) => {
    expect(() => window({ from: '22:00', to: '06:00', timeZone: 'UTC', ...options } as never)).toThrow(message);
  });
});

describe(replicationLag.name, () => {
  it('waits while a standby is further behind than it may be', async () => {
    const throttle = replicationLag({ max: '10s' });
    expect((await ask(throttle, { lag: 0, hidden: 0 })).answer).toBe('go');
    expect((await ask(throttle, { lag: 10_000, hidden: 0 })).answer).toBe('go');
    expect((await ask(throttle, { lag: 10_000.1, hidden: 0 })).answer).toBe('wait');
    expect((await ask(throttle, { lag: 0, hidden: 0, isCatchingUp: true })).answer).toBe('wait');
  });

  it('refuses to go by what it may not see, and what is no duration', async () => {
    await expect(ask(replicationLag({ max: '10s' }), { lag: 0, hidden: 1 })).rejects.toThrow(
      'replicationLag(): the database user may not read the lag of the standbys. Grant it the role: grant pg_monitor to <user>.',
    );
    expect(() => replicationLag({ max: '10' as never })).toThrow('replicationLag(), max: "10" has no unit.');
    expect(() => replicationLag({ max: '10s', min: '1s' } as never)).toThrow(/^replicationLag\(\).*min/);
  });
});

describe(vacuumBacklog.name, () => {
  it('waits while more than the share is dead, of the table and its partitions', async () => {
    const throttle = vacuumBacklog({ maxDeadShare: 0.2 });
    expect((await ask(throttle, { share: 0 })).answer).toBe('go');
    expect((await ask(throttle, { share: 0.2 })).answer).toBe('go');
    const { answer, sql } = await ask(throttle, { share: 0.201 });
    expect([answer, sql.match(/cast\('"a"\."user"' as regclass\)/g)]).toEqual(['wait', expect.any(Array)]);
  });

  it.each([0, 1, -0.1, 1.1, NaN, '0.2', undefined])('refuses the share %p', (maxDeadShare) => {
    expect(() => vacuumBacklog({ maxDeadShare } as never)).toThrow(
      /^vacuumBacklog\(\), maxDeadShare: .* is not a share\. Write a number between 0 and 1, such as 0\.2\.$/,
    );
  });

  it('takes the smallest and the largest share, and refuses what it does not know', () => {
    expect(vacuumBacklog({ maxDeadShare: Number.EPSILON })).toEqual(expect.any(Function));
    expect(vacuumBacklog({ maxDeadShare: 1 - Number.EPSILON })).toEqual(expect.any(Function));
    expect(() => vacuumBacklog({ maxDeadShare: 0.2, maxDead: 1 } as never)).toThrow(/^vacuumBacklog\(\).*maxDead/);
  });
});

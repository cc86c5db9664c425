import { resolveBrake } from '../../../lib/options/brake-options.js';
import { requireErasureOptions } from '../../../lib/options/erasure-options.js';
import { intervalOf } from '../../../lib/options/interval.js';
import { requireLogOptions } from '../../../lib/options/log-options.js';
import { requireMarkOptions } from '../../../lib/options/require-mark-options.js';
import { requireType } from '../../../lib/options/require-type.js';
import { describeRetention, showDuration } from '../../../lib/options/show-duration.js';

const DAY = 86_400_000;

describe(resolveBrake.name, () => {
  it('fills in the defaults, and is off where it is turned off', () => {
    expect(resolveBrake()).toEqual({ factor: 5, atLeast: 1_000, share: 0.5 });
    expect(resolveBrake({ factor: 1, atLeast: 0, share: 1 })).toEqual({ factor: 1, atLeast: 0, share: 1 });
    expect(resolveBrake({ factor: 2 })).toEqual({ factor: 2, atLeast: 1_000, share: 0.5 });
    expect(resolveBrake(false)).toBe(false);
  });

  it.each([
    ['factor', [0.9, 0, NaN, Infinity, '5'], 'a number from 1 on'],
    ['atLeast', [-1, 1.5, NaN, '7'], 'a whole number of rows'],
    ['share', [0, 1.01, -1, '1'], 'a number above 0, up to 1'],
  ])('refuses a wrong %s', (name, values, description) => {
    for (const value of values) {
      expect(() => resolveBrake({ [name]: value })).toThrow(
        `purge.brake.${name}: ${typeof value === 'string' ? `"${value}"` : value} cannot be its limit. Write ${description}, or leave it out; brake: false turns the brake off.`,
      );
    }
  });

  it('refuses what it does not know', () => {
    expect(() => resolveBrake({ factr: 5 } as never)).toThrow(/^purge\.brake\.factr: .* Did you mean factor\?/);
  });
});

describe(requireErasureOptions.name, () => {
  it('keeps what is given', () => {
    const ledger = () => undefined;
    const all = { deadline: '1 month', cron: '30 3 * * *', timeZone: 'UTC', ledger } as const;
    expect(requireErasureOptions(all)).toEqual(all);
    expect(requireErasureOptions()).toEqual({});
    expect(requireErasureOptions({ cron: '' })).toEqual({});
  });

  it.each<[object, string]>([
    [
      { cron: ' ' },
      `erasure.cron: " " is not text. Write for example '30 3 * * *' for every night at half past three.`,
    ],
    [{ cron: 7 }, 'erasure.cron: 7 is not text.'],
    [{ deadline: '30' }, 'erasure.deadline: "30" has no unit.'],
    [{ timeZone: '' }, 'erasure.timeZone: "" is not text.'],
    [{ ledger: 'file' }, 'erasure.ledger: "file" is not a function.'],
    [{ dedline: '30d' }, 'erasure.dedline: there is no such option'],
  ])('refuses %j', (options, message) => {
    expect(() => requireErasureOptions(options)).toThrow(message);
  });
});

describe(intervalOf.name, () => {
  it.each([
    ['1 month', '1 months'],
    ['3months', '3 months'],
    ['10y', '10 years'],
    ['2 YEARS', '2 years'],
    ['1 year', '1 years'],
    ['30d', `${30 * DAY} milliseconds`],
    ['1.5y', `${1.5 * 365.25 * DAY} milliseconds`],
    [1, '1 milliseconds'],
  ] as const)('reads %s as %s', (duration, interval) => {
    expect(intervalOf('keep.for', duration as never)).toBe(interval);
  });

  it.each(['0d', '0 months', '0y', 0])('refuses %p, which is no time', (duration) => {
    expect(() => intervalOf('keep.for', duration as never)).toThrow(
      /^keep\.for: .* is not a positive duration\. Write for example '1 month'\.$/,
    );
  });

  it.each(['month', '1 moon', '', '30'])('refuses %p, which is none', (duration) => {
    expect(() => intervalOf('keep.for', duration as never)).toThrow(/^keep\.for: /);
  });
});

describe(requireLogOptions.name, () => {
  it('keeps what is given', () => {
    expect(requireLogOptions()).toEqual({});
    expect(requireLogOptions({ reason: 'optional', retention: 'forever' })).toEqual({
      reason: 'optional',
      retention: 'forever',
    });
    expect(requireLogOptions({ reason: 'required' })).toEqual({ reason: 'required' });
  });

  it('refuses what cannot work', () => {
    expect(() => requireLogOptions({ reason: 'maybe' as never })).toThrow(
      `log.reason: "maybe" is not a setting. Write 'optional' or 'required'.`,
    );
    expect(() => requireLogOptions({ retention: '90' as never })).toThrow('log.retention: "90" has no unit.');
    expect(() => requireLogOptions({ reasons: 'required' } as never)).toThrow('log.reasons: ');
  });
});

describe(requireMarkOptions.name, () => {
  const refuse = (options: object) => () => requireMarkOptions('@SoftDeletable() on User', options as never);

  it.each([
    {},
    {
      property: 'goneAt',
      deletedBy: 'by',
      relations: {},
      purgeIndex: false,
      guard: true,
      retention: '30d',
      strategy: 'soft',
    },
    { strategy: 'archive' },
    { strategy: 'archive', purgeIndex: false, guard: false, relations: { posts: 'keep' }, retention: 'forever' },
    { strategy: 'archive', archive: {} },
    { strategy: 'archive', archive: { renamed: { name: 'title' }, dropped: ['age'] } },
  ])('takes %j', (options) => {
    expect(refuse(options)).not.toThrow();
  });

  it.each([
    [{ retension: '30d' }, ', retension: there is no such option'],
    [{ property: 7 }, ', property: 7 is not text.'],
    [{ deletedBy: '' }, ', deletedBy: "" is not text.'],
    [{ relations: [] }, ', relations: [] is not an object.'],
    [{ purgeIndex: 'no' }, ', purgeIndex: "no" is not true or false.'],
    [{ guard: 1 }, ', guard: 1 is not true or false.'],
    [{ retention: '30' }, ', retention: "30" has no unit.'],
    [{ strategy: 'hard' }, `, strategy: "hard" is not a strategy. Write 'soft' or 'archive'.`],
    [{ strategy: 'archive', archive: [] }, ', archive: [] is not an object.'],
    [{ strategy: 'archive', archive: { renames: {} } }, ', archive, renames: there is no such option'],
    [{ strategy: 'archive', archive: { renamed: [] } }, ', archive.renamed: [] is not an object.'],
    [{ strategy: 'archive', archive: { dropped: 'age' } }, ', archive.dropped: "age" is not a list.'],
    [{ strategy: 'archive', archive: { dropped: [7] } }, ', archive: 7 is not text.'],
    [{ strategy: 'archive', archive: { renamed: { name: 7 } } }, ', archive: 7 is not text.'],
    [{ archive: {} }, ", archive: the entity is not archived. Add `strategy: 'archive'`, or leave it out."],
    [{ strategy: 'soft', archive: {} }, ', archive: the entity is not archived.'],
    [
      { strategy: 'archive', deletedBy: 'by' },
      ", deletedBy: with `strategy: 'archive'` deleted rows leave the table: who deleted them is written beside them in deletion_archive. Leave it out, or use the soft strategy.",
    ],
    [{ strategy: 'archive', property: 'at' }, 'deleted rows leave the table, so that no property says when'],
    [{ strategy: 'archive', purgeIndex: true }, 'the table has no deleted rows that a purge would have to find.'],
    [{ strategy: 'archive', guard: true }, 'every deletion removes the row from its table, so that there is nothing'],
  ])('refuses %j', (options, message) => {
    expect(refuse(options)).toThrow(message);
    expect(refuse(options)).toThrow(/^@SoftDeletable\(\) on User, /);
  });
});

describe(requireType.name, () => {
  it.each<[Parameters<typeof requireType>[2], unknown[], unknown[], string]>([
    [
      'boolean',
      [true, false],
      [0, 'true', null],
      'is not true or false. Write true or false, without quotes, or leave it out.',
    ],
    ['string', ['x', ' x '], ['', ' ', 7, null], 'is not text. Write text that is not empty, or leave it out.'],
    ['function', [() => undefined, Date], ['x', {}], 'is not a function. Write a function, or leave it out.'],
    ['list', [[], [1]], [{}, 'x', null], 'is not a list. Write [ … ], or leave it out.'],
    ['object', [{}, new Date()], [[], null, 'x', () => 1], 'is not an object. Write { … }, or leave it out.'],
    [
      'AbortSignal',
      [new AbortController().signal, { aborted: false, addEventListener: () => undefined }],
      [{}, { aborted: false }, { aborted: 'no', addEventListener: () => undefined }, null],
      'is not an AbortSignal. Write the `signal` of an AbortController, or leave it out.',
    ],
    [
      'Date',
      [new Date(0)],
      [new Date(NaN), new Date('+009000-01-01'), '2026-01-01', 0],
      'is not a date. Write a valid Date of the years 1 to 8999, or leave it out.',
    ],
  ])('tells a %s', (type, right, wrong, message) => {
    for (const value of [undefined, ...right]) {
      expect(() => requireType('it', value, type)).not.toThrow();
    }
    for (const value of wrong) {
      expect(() => requireType('it', value, type)).toThrow(message);
    }
  });
});

describe(showDuration.name, () => {
  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [1_500, '1500ms'],
    [60_000, '1m'],
    [90_000, '90s'],
    [3_600_000, '1h'],
    [DAY, '1d'],
    [30 * DAY, '30d'],
    [365.25 * DAY, '1y'],
    [36 * 3_600_000, '36h'],
  ])('writes %d as %s', (milliseconds, text) => {
    expect(showDuration(milliseconds)).toBe(text);
  });

  it('says a retention in words', () => {
    expect(['forever' as const, DAY, 30 * DAY].map(describeRetention)).toEqual(['forever', '1 day', '30 days']);
  });
});

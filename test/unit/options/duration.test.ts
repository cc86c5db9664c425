import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { parseDuration, parseRetention } from '../../../lib/options/duration.js';

const HOUR = 3_600_000;

describe(parseDuration.name, () => {
  it.each([
    ['30d', 30 * 24 * HOUR],
    ['12h', 12 * HOUR],
    ['90 days', 90 * 24 * HOUR],
    ['1.5h', 1.5 * HOUR],
    [0, 0],
    [250, 250],
  ] as const)('reads %j', (duration, milliseconds) => {
    expect(parseDuration('purge.timeBudget', duration)).toBe(milliseconds);
  });

  it.each([
    '',
    ' ',
    'soon',
    '30x',
    '-1d',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    {},
    'd'.repeat(200),
    '1e3',
    '1e3d',
    ' 30d',
    '30d ',
    '30 d 12 h',
    'Infinity',
    '-90',
    90n,
    new Date(0),
  ])('refuses %j and names the option', (duration) => {
    const parse = () => parseDuration('purge.timeBudget', duration as never);
    expect(parse).toThrow(SoftDeleteConfigError);
    expect(parse).toThrow(/^purge\.timeBudget: .* is not a duration\. Write .*'30d'/);
  });
});

describe(`${parseDuration.name} without a unit`, () => {
  it.each(['90', ' 90 ', '90.5', '0', '90\n'])('refuses %j and says what to write', (duration) => {
    const parse = () => parseDuration('purge.retention', duration as never);
    expect(parse).toThrow(SoftDeleteConfigError);
    expect(parse).toThrow(new RegExp(`^purge\\.retention: .* has no unit\\. Write .*'${duration.trim()}d' for days`));
    expect(() => parseRetention('purge.retention', duration as never)).toThrow(SoftDeleteConfigError);
  });

  it.each(['0d', '1m', '.5h', '90 D', '90 Days'])('takes %j', (duration) => {
    expect(parseDuration('purge.retention', duration as never)).toBeGreaterThanOrEqual(0);
  });
});

describe(parseRetention.name, () => {
  it('reads a duration or forever', () => {
    expect(parseRetention('purge.retention', '1h')).toBe(HOUR);
    expect(parseRetention('purge.retention', 'forever')).toBe('forever');
  });

  it('refuses anything else', () => {
    expect(() => parseRetention('purge.retention', 'never' as never)).toThrow(SoftDeleteConfigError);
  });
});

import type { EntityManager, EntityMetadata } from '@mikro-orm/postgresql';
import type { Option } from 'commander';
import { CliError } from '../../../lib/cli/cli.error.js';
import { countOption } from '../../../lib/cli/count-option.js';
import { durationOption, retentionOption } from '../../../lib/cli/duration-option.js';
import { requireMapped } from '../../../lib/cli/require-entity.js';
import { textOption } from '../../../lib/cli/text-option.js';
import { timeOption } from '../../../lib/cli/time-option.js';

/** What a flag makes of the text that somebody types, or what it answers. */
const read = (option: Option, text: string): unknown => {
  try {
    return option.parseArg!(text, undefined);
  } catch (error) {
    return (error as Error).message;
  }
};

describe(countOption, () => {
  const option = countOption('--limit <number>', 'how many', { what: 'rows', most: 200, byDefault: 50 });

  it.each(['1', '50', '200', '007'])('takes %s', (text) => {
    expect(read(option, text)).toBe(Number(text));
    expect(option.defaultValue).toBe(50);
  });

  it.each(['0', '201', '-1', '1.5', '1e2', '', ' 1', 'many'])('refuses "%s"', (text) => {
    expect(read(option, text)).toBe(`--limit: "${text}" is not a number of rows. Write a whole number from 1 to 200.`);
  });
});

describe(textOption, () => {
  it('takes text as it is, and refuses what says nothing', () => {
    const option = textOption('--reason', 'why');
    expect([option.flags, option.description]).toEqual(['--reason <text>', 'why']);
    expect(read(option, ' asked by phone ')).toBe(' asked by phone ');
    for (const text of ['', '  ']) {
      expect(read(option, text)).toBe('--reason: it is empty. Write a text that people will understand later.');
    }
  });
});

describe(timeOption, () => {
  const option = timeOption('--review-at', 'when');

  it.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T12:30:00Z', '2027-01-31T12:30:00.000Z'],
    ['2027-01-31T12:30:00.250+02:00', '2027-01-31T10:30:00.250Z'],
  ])('takes %s', (text, time) => {
    expect(read(option, text)).toEqual(new Date(time));
    expect(option.flags).toBe('--review-at <date>');
  });

  it.each(['2027-01-31T12:30:00', '2027-01-31T12:30', '2027-02-30', 'soon', ''])('refuses %p', (text) => {
    expect(read(option, text)).toBe(
      `--review-at: "${text}" is not a date. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.`,
    );
  });
});

describe(durationOption, () => {
  it('reads a length of time under the name of the flag; a retention may have no end', () => {
    const option = durationOption('--older-than', 'how old');
    expect(option.flags).toBe('--older-than <duration>');
    expect(read(option, '2h')).toBe(7_200_000);
    expect(read(option, 'soon')).toMatch(/^--older-than: "soon" is not a duration\./);
    expect(read(option, 'forever')).toMatch(/^--older-than: /);
    expect(read(retentionOption(), 'forever')).toBe('forever');
    expect(read(retentionOption(), '30d')).toBe(30 * 86_400_000);
    expect(read(retentionOption(), 'soon')).toMatch(/^--retention: /);
  });
});

describe(requireMapped, () => {
  const find =
    (name: string, ...metas: Partial<EntityMetadata>[]) =>
    () =>
      requireMapped({ getMetadata: () => metas } as unknown as EntityManager, name);
  const [user, post] = [{ className: 'User' }, { className: 'Post' }];

  it('finds an entity by its name, or names the one that was meant, or all there are', () => {
    expect(find('User', post, user)()).toBe(user);
    expect(find('Usr', post, user)).toThrow(new CliError('Usr is no entity of this configuration. Did you mean User?'));
    expect(find('Anything', user, post)).toThrow('There are: Post, User.');
    expect(find('Anything')).toThrow('There are: none.');
  });

  it('knows neither pivot tables nor embeddables', () => {
    const others = [
      { className: 'user_tags', pivotTable: true },
      { className: 'Address', embeddable: true },
    ] as Partial<EntityMetadata>[];
    for (const { className } of others) {
      expect(find(className!, user, ...others)).toThrow(`${className} is no entity`);
      expect(find(className!, user, ...others)).toThrow('There are: User.');
    }
  });
});

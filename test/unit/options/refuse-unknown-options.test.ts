import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { refuseUnknownOptions } from '../../../lib/options/refuse-unknown-options.js';

const NAMES = ['dryRun', 'batchSize', 'sla', 'entities'];

const messageOf = (options: unknown, names: readonly string[] = NAMES, prefix?: string): string | undefined => {
  try {
    refuseUnknownOptions('run()', options, names, prefix);
  } catch (error) {
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    return (error as Error).message;
  }
  return undefined;
};

describe(refuseUnknownOptions.name, () => {
  it.each([{}, { dryRun: true }, { dryRun: undefined, sla: '1d' }, Object.create({ dryRun: true })])(
    'takes %j',
    (options) => {
      expect(messageOf(options)).toBeUndefined();
    },
  );

  it.each([
    ['dryrun', 'dryRun'],
    ['dry_run', 'dryRun'],
    ['DRY-RUN', 'dryRun'],
    ['dryRn', 'dryRun'],
    ['dryRunn', 'dryRun'],
    ['dyrRun', 'dryRun'],
    ['Xatchsize', 'batchSize'],
    ['batchSiXX', 'batchSize'],
    ['batchXXXe', 'batchSize'],
    ['slo', 'sla'],
    ['sl', 'sla'],
    ['entitys', 'entities'],
  ])('says of %s that %s was probably meant', (name, meant) => {
    expect(messageOf({ [name]: 1 })).toBe(
      `run(), ${name}: there is no such option (given: 1). Did you mean ${meant}? The options are: ${NAMES.join(', ')}.`,
    );
  });

  it.each(['sxx', 'xla2', 'XXXXhsize', 'somethingElse', 'x'])('offers nothing for %s', (name) => {
    expect(messageOf({ [name]: 'y' })).toBe(
      `run(), ${name}: there is no such option (given: "y"). The options are: ${NAMES.join(', ')}.`,
    );
  });

  it('sees what is inherited, and what has no prototype', () => {
    expect(messageOf(Object.create({ other: 1 }))).toBeUndefined();
    expect(messageOf(Object.create({ dryrun: true }))).toMatch(/^run\(\), dryrun: /);
    expect(messageOf(Object.assign(Object.create(null), { other: 1 }))).toMatch(/^run\(\), other: /);
  });

  it('leaves an instance its own fields, but not those that are nearly an option', () => {
    class Configuration {
      host = 'localhost';
    }
    expect(messageOf(new Configuration())).toBeUndefined();
    expect(messageOf(Object.assign(new Configuration(), { dryrun: true }))).toMatch(/^run\(\), dryrun: /);
  });

  it('names the option as the caller wrote it', () => {
    expect(messageOf({ slo: 1 }, NAMES, 'purge.')).toMatch(/^purge\.slo: /);
  });

  it.each([null, undefined, 'dryRun', 5, []])('refuses %p in place of options', (options) => {
    expect(messageOf(options)).toMatch(/^run\(\): .* is not an object of options\. Write \{ dryRun: … \}, or leave it/);
  });

  it('says so where there are no options at all', () => {
    expect(messageOf('x', [])).toBe('run(): "x" is not an object of options. It has no options: leave it out.');
    expect(messageOf({ x: 1 }, [])).toBe(
      'run(), x: there is no such option (given: 1). It has no options: leave it out.',
    );
  });
});

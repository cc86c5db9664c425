import { SoftDeleteConfigError, type SoftDeleteModuleOptions } from 'nestjs-mikro-orm-soft-delete';
import { resolveModuleOptions } from '../../../lib/options/resolve-module-options.js';

describe(resolveModuleOptions.name, () => {
  it('fills in every default', () => {
    const resolved = resolveModuleOptions();
    expect(resolved).toEqual({
      contextName: undefined,
      actor: expect.any(Function),
      log: {},
      erasure: {},
      purge: {
        cron: undefined,
        engine: undefined,
        timeZone: undefined,
        retention: 'forever',
        batchSize: undefined,
        timeBudget: undefined,
        pauseBetweenBatches: undefined,
        lockTimeout: 50,
        maxRows: undefined,
        throttle: [],
        brake: { factor: 5, atLeast: 1_000, share: 0.5 },
      },
    });
    expect(resolved.actor()).toBeUndefined();
  });

  it('reads durations as milliseconds and keeps the rest', () => {
    const options: SoftDeleteModuleOptions = {
      contextName: 'crm',
      actor: () => 'ada',
      purge: {
        cron: '0 3 * * *',
        timeZone: 'Europe/Berlin',
        retention: '30d',
        batchSize: 500,
        timeBudget: '10m',
        pauseBetweenBatches: 0,
        lockTimeout: '1s',
      },
    };
    const resolved = resolveModuleOptions(options);
    expect(resolved.actor()).toBe('ada');
    expect(resolved).toMatchObject({
      contextName: 'crm',
      purge: {
        cron: '0 3 * * *',
        timeZone: 'Europe/Berlin',
        retention: 2_592_000_000,
        batchSize: 500,
        timeBudget: 600_000,
        pauseBetweenBatches: 0,
        lockTimeout: 1_000,
      },
    });
  });

  it("takes an empty cron for none, and 'external' for what runs the purge instead", () => {
    expect(resolveModuleOptions({ purge: { cron: '' } }).purge.cron).toBeUndefined();
    expect(resolveModuleOptions({ purge: { cron: '', engine: 'external' } }).purge.engine).toBe('external');
  });

  it.each<[string, unknown]>([
    ['SoftDeleteModule options', null],
    ['SoftDeleteModule options', []],
    ['SoftDeleteModule options', 'yes'],
    ['retention', { retention: '30d' }],
    ['contextName', { contextName: '' }],
    ['contextName', { contextName: 7 }],
    ['actor', { actor: 'ada' }],
    ['purge', { purge: true }],
    ['purge.every', { purge: { every: '1d' } }],
    ['purge.cron', { purge: { cron: ' ' } }],
    ['purge.engine', { purge: { engine: 'bull' } }],
    ['purge.engine', { purge: { engine: 'external', cron: '0 3 * * *' } }],
    ['purge.timeZone', { purge: { timeZone: 'Atlantis' } }],
    ['purge.retention', { purge: { retention: 'soon' } }],
    ['purge.batchSize', { purge: { batchSize: 0 } }],
    ['purge.batchSize', { purge: { batchSize: -5 } }],
    ['purge.batchSize', { purge: { batchSize: 1.5 } }],
    ['purge.batchSize', { purge: { batchSize: '100' } }],
    ['purge.batchSize', { purge: { batchSize: 100_001 } }],
    ['purge.timeBudget', { purge: { timeBudget: '-1m' } }],
    ['purge.pauseBetweenBatches', { purge: { pauseBetweenBatches: 'a while' } }],
    ['purge.lockTimeout', { purge: { lockTimeout: 0 } }],
  ])('refuses a wrong %s: %j', (option, options) => {
    const resolve = () => resolveModuleOptions(options as SoftDeleteModuleOptions);
    expect(resolve).toThrow(SoftDeleteConfigError);
    expect(resolve).toThrow(expect.objectContaining({ option, code: 'SOFT_DELETE_CONFIG' }));
  });

  it('names the options there are when one is misspelt', () => {
    expect(() => resolveModuleOptions({ purge: { batchsize: 5 } } as never)).toThrow(
      /^purge\.batchsize: there is no such option \(given: 5\)\. Did you mean batchSize\? The options are: cron, /,
    );
  });
});

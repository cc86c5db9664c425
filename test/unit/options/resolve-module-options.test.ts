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

  const names =
    'cron, engine, timeZone, retention, batchSize, timeBudget, pauseBetweenBatches, lockTimeout, maxRows, throttle, brake, schemas';
  const throttles =
    "Write replicationLag({ max: '10s' }), vacuumBacklog({ … }), window({ … }), or a function that returns 'go', 'wait' or 'stop'.";

  it.each<[unknown, string]>([
    [7, 'SoftDeleteModule options: 7 is not an object of options. Write { contextName: … }, or leave it out.'],
    [
      { retention: '30d' },
      'retention: there is no such option (given: "30d"). The options are: contextName, actor, log, erasure, purge.',
    ],
    [
      { contextName: '' },
      'contextName: "" is not a name. Write the `contextName` of the MikroORM configuration, or leave it out.',
    ],
    [
      { actor: 'ada' },
      'actor: "ada" is not a function. Write a function that returns who is deleting, such as () => cls.get("userId").',
    ],
    [{ purge: { every: 1 } }, `purge.every: there is no such option (given: 1). The options are: ${names}.`],
    [{ purge: { cron: ' ' } }, `purge.cron: " " is not text. Write for example '0 3 * * *' for every night at three.`],
    [{ purge: { cron: 7 } }, `purge.cron: 7 is not text. Write for example '0 3 * * *' for every night at three.`],
    [
      { purge: { cron: null } },
      `purge.cron: null is not text. Write for example '0 3 * * *' for every night at three.`,
    ],
    [
      { purge: { engine: 'bull' } },
      `purge.engine: "bull" is not a known engine. Write 'external' if something outside of the application runs it, or leave it out.`,
    ],
    [
      { purge: { engine: 'external', cron: '0 3 * * *' } },
      'purge.engine: "external" says that something else runs the purge, but purge.cron runs it at "0 3 * * *". Leave one of them out.',
    ],
    [
      { purge: { timeZone: 'Atlantis' } },
      `purge.timeZone: "Atlantis" is not a time zone. Write a name of the IANA database, such as 'Europe/Berlin'.`,
    ],
    [
      { purge: { batchSize: 100_001 } },
      'purge.batchSize: 100001 is not a number of rows. Write a whole number from 1 to 100000.',
    ],
    [
      { purge: { maxRows: 0 } },
      'purge.maxRows: 0 is not a number of rows. Write a whole number from 1 to 9007199254740991.',
    ],
    [{ purge: { lockTimeout: 0 } }, 'purge.lockTimeout: 0 would wait forever. Write at least one millisecond.'],
    [{ purge: { throttle: 'slow' } }, `purge.throttle: "slow" is not a function. ${throttles}`],
    [{ purge: { throttle: [() => 'go', undefined] } }, `purge.throttle: undefined is not a function. ${throttles}`],
    [
      { purge: { schemas: ['a'] } },
      "purge.schemas: [ 'a' ] is not a function. Write a function that returns the names of the schemas, such as async () => listTenants().",
    ],
  ])('says what is wrong with %j, and what to write instead', (options, message) => {
    const refused = (async () => resolveModuleOptions(options as SoftDeleteModuleOptions))();
    return expect(refused).rejects.toMatchObject({ message, code: 'SOFT_DELETE_CONFIG' });
  });

  it('takes every option to its limits', () => {
    const [throttle, schemas] = [() => 'go' as const, async () => ['a']];
    const purge = {
      batchSize: 1,
      maxRows: 1,
      lockTimeout: 1,
      throttle: [throttle, throttle],
      schemas,
      brake: false,
    } as const;
    expect(resolveModuleOptions({ purge }).purge).toMatchObject(purge);
    const most = { batchSize: 100_000, maxRows: Number.MAX_SAFE_INTEGER, throttle };
    expect(resolveModuleOptions({ purge: most }).purge).toMatchObject({ ...most, throttle: [throttle] });
    const erasure = { deadline: '1 month', cron: '30 3 * * *' } as const;
    const log = { reason: 'required', retention: '2y' } as const;
    expect(resolveModuleOptions({ erasure, log })).toMatchObject({ erasure, log });
  });

  it('names the options there are when one is misspelt', () => {
    expect(() => resolveModuleOptions({ purge: { batchsize: 5 } } as never)).toThrow(
      /^purge\.batchsize: there is no such option \(given: 5\)\. Did you mean batchSize\? The options are: cron, /,
    );
  });
});

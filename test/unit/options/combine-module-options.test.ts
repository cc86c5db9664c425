import { SoftDeleteConfigError, type SoftDeleteModuleOptions } from 'nestjs-mikro-orm-soft-delete';
import { combineModuleOptions, combinePurgeOptions } from '../../../lib/options/combine-module-options.js';

describe(combineModuleOptions.name, () => {
  it('takes what the module names, and the rest from the configuration', () => {
    const configured: SoftDeleteModuleOptions = { actor: () => 'ada', purge: { retention: '90d', batchSize: 7 } };
    const combined = combineModuleOptions(configured, { contextName: 'crm', purge: { cron: '0 3 * * *' } });
    expect(combined).toMatchObject({
      contextName: 'crm',
      purge: { cron: '0 3 * * *', retention: 7_776_000_000, batchSize: 7, lockTimeout: 50 },
    });
    expect(combined.actor()).toBe('ada');
    expect(combineModuleOptions({}, { actor: () => 'bob' }).actor()).toBe('bob');
    expect(combineModuleOptions({}, {}).actor()).toBeUndefined();
  });

  it('takes the same option twice, however it is written and wherever it is inherited from', () => {
    const actor = () => 'ada';
    const inherited = Object.create({ retention: 7_776_000_000 }) as object;
    const combined = combineModuleOptions({ actor, purge: { retention: '90d' } }, { actor, purge: inherited });
    expect(combined.purge.retention).toBe(7_776_000_000);
    const layered = combineModuleOptions({ purge: { batchSize: 7 } }, { purge: inherited });
    expect(layered.purge).toMatchObject({ batchSize: 7, retention: 7_776_000_000 });
    expect(combineModuleOptions({ purge: { retention: '90d' } }, { purge: { retention: undefined } }).purge).toEqual(
      combined.purge,
    );
  });

  it('lets an object of a class keep fields of its own', () => {
    class Options {
      readonly retention = '1d';
      readonly owner = 'legal';
    }
    expect(combineModuleOptions({ purge: new Options() }, { purge: new Options() }).purge.retention).toBe(86_400_000);
  });

  it.each<[string, SoftDeleteModuleOptions, SoftDeleteModuleOptions, string[]]>([
    ['purge.retention', { purge: { retention: '90d' } }, { purge: { retention: '30d' } }, ['"30d"', '"90d"']],
    ['purge.retention', { purge: { retention: 'forever' } }, { purge: { retention: '30d' } }, ['"30d"', '"forever"']],
    ['purge.cron', { purge: { cron: '0 3 * * *' } }, { purge: { cron: '' } }, ['""', '"0 3 * * *"']],
    ['purge.lockTimeout', { purge: { lockTimeout: 70 } }, { purge: { lockTimeout: '1s' } }, ['"1s"', '70']],
    [
      'purge.timeZone',
      { purge: { timeZone: 'Europe/Berlin' } },
      { purge: { timeZone: 'Asia/Tokyo' } },
      ['"Asia/Tokyo"', '"Europe/Berlin"'],
    ],
    [
      'actor',
      {
        actor: function here() {
          return 'a';
        },
      },
      {
        actor: function there() {
          return 'a';
        },
      },
      ['there', 'here'],
    ],
    ['log.reason', { log: { reason: 'required' } }, { log: { reason: 'optional' as never } }, ['required']],
    ['log.retention', { log: { retention: '10y' } }, { log: { retention: '5y' } }, ['"5y"', '"10y"']],
    ['log.retention', { log: { retention: 'forever' } }, { log: { retention: '5y' } }, ['"5y"', '"forever"']],
    ['erasure.cron', { erasure: { cron: '0 3 * * *' } }, { erasure: { cron: '0 4 * * *' } }, ['0 3', '0 4']],
    ['erasure.deadline', { erasure: { deadline: '30 days' } }, { erasure: { deadline: '60 days' } }, ['30', '60']],
    [
      'purge.engine',
      { purge: { engine: 'external' } },
      { purge: { cron: '0 3 * * *' } },
      ['"external"', '"0 3 * * *"'],
    ],
  ])('refuses a contradiction about %s', (option, configured, module, values) => {
    const combine = () => combineModuleOptions(configured, module);
    expect(combine).toThrow(SoftDeleteConfigError);
    expect(combine).toThrow(new RegExp(`^${option}: `));
    values.forEach((value) => expect(combine).toThrow(value));
  });

  it('puts together what each says of records and erasures, and takes the same twice', () => {
    const combined = combineModuleOptions(
      { log: { retention: '10y' }, erasure: { cron: '0 3 * * *' } },
      { log: { reason: 'required' }, erasure: { deadline: '30 days' } },
    );
    const twice = {
      log: { retention: '10y', reason: 'required' },
      erasure: { cron: '0 3 * * *', deadline: '30 days' },
    };
    expect(combineModuleOptions(twice as never, twice as never)).toMatchObject({
      log: combined.log,
      erasure: combined.erasure,
    });
    expect(combined.log).toMatchObject({ retention: '10y', reason: 'required' });
    expect(combined.erasure).toMatchObject({ cron: '0 3 * * *' });
    expect(combined.erasure.deadline).toBeDefined();
  });

  it('refuses what cannot work on either side', () => {
    expect(() => combineModuleOptions({ purge: { retention: '90' as never } }, {})).toThrow('"90" has no unit');
    expect(() => combineModuleOptions({}, { purge: { retention: '90' as never } })).toThrow('"90" has no unit');
  });
});

describe(combinePurgeOptions.name, () => {
  it('lets the second win over the first', () => {
    expect(combinePurgeOptions({ retention: '90d', batchSize: 7 }, { retention: 1 })).toMatchObject({
      retention: 1,
      batchSize: 7,
      lockTimeout: 50,
    });
  });
});

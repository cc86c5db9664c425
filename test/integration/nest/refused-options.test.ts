import {
  activeUnique,
  ActiveIndex,
  ActiveUnique,
  activeView,
  createPurge,
  describeDeletionPolicy,
  installSoftDelete,
  OnPurge,
  PurgeHealthIndicator,
  PurgeService,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteDoctor,
  SoftDeleteModule,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { backdateDeletions } from 'nestjs-mikro-orm-soft-delete/testing';
import { defineEntity, p } from '@mikro-orm/core';
import { ApplicationPurgeService } from '../../../lib/nest/soft-delete.purge-service.js';
import { resolvePurgeOptions } from '../../../lib/options/resolve-module-options.js';
import { Account } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const given = (options: object) => options as never;

describe('options that nobody would read', () => {
  const library = useLibrary();
  let purge: PurgeService;

  beforeEach(async () => {
    await library.database.query(
      "insert into account (email, version, deleted_at) values ('a', 1, now() - interval '2 days'), ('b', 1, null)",
    );
    purge = createPurge(library.orm, { retention: '1d' });
  });

  const left = async () =>
    (await library.database.query('select email, deleted_at is null as active from account order by id')).map(
      ({ email, active }) => `${email} ${active ? 'active' : 'deleted'}`,
    );

  it.each<[string, object]>([
    ['dryrun', { dryrun: true }],
    ['dry_run', { dry_run: true }],
    ['entity', { entity: ['Account'] }],
    ['dryRun', { dryRun: 'yes' }],
    ['dryRun', { dryRun: 1 }],
    ['batchSize', { batchSize: '100' }],
    ['olderThan', { olderThan: '90' }],
    ['timeBudget', { timeBudget: '10' }],
    ['signal', { signal: true }],
    ['onProgress', { onProgress: 'yes' }],
    ['entities', { entities: 'Account' }],
    ['dryrun', Object.create({ dryrun: true })],
    [
      'dryrun',
      new (class Options {
        dryrun = true;
      })(),
    ],
  ])('keeps a run from starting: %s of %j', async (name, options) => {
    for (const service of [purge, new ApplicationPurgeService(library.orm, resolvePurgeOptions({ retention: '1d' }))]) {
      await expect(service.run(options)).rejects.toThrow(SoftDeleteConfigError);
      await expect(service.run(options)).rejects.toThrow(name);
    }
    expect(await left()).toEqual(['a deleted', 'b active']);
  });

  it.each([['Acount'], ['Note'], [undefined]])('keeps a run from starting for the entity %j', async (entity) => {
    await expect(purge.run({ entities: [entity as never] })).rejects.toMatchObject({ code: expect.any(String) });
    expect(await left()).toEqual(['a deleted', 'b active']);
  });

  it.each([null, 'dryRun', [], 5])('refuses %j for options', async (options) => {
    await expect(purge.run(options as never)).rejects.toThrow(SoftDeleteConfigError);
    await expect(library.repo(Account).softDelete(2, options as never)).rejects.toThrow(SoftDeleteConfigError);
    await expect(library.repo(Account).hardDelete(2, options as never)).rejects.toThrow(SoftDeleteConfigError);
    await expect(library.repo(Account).restore(1, options as never)).rejects.toThrow(SoftDeleteConfigError);
    expect(await left()).toEqual(['a deleted', 'b active']);
  });

  it('reads the getters of a configuration object, which may have fields of its own', async () => {
    class Configuration {
      private readonly cache = new Map();
      get dryRun() {
        return this.cache.size === 0;
      }
    }
    for (const service of [purge, new ApplicationPurgeService(library.orm, resolvePurgeOptions({ retention: '1d' }))]) {
      expect(await service.run(new Configuration())).toMatchObject({ dryRun: true, total: 1 });
    }
    expect(await left()).toEqual(['a deleted', 'b active']);
    expect(await purge.run(Object.create({ dryRun: true }))).toMatchObject({ dryRun: true });
    expect(await purge.run(Object.assign(Object.create(null), { dryRun: true }))).toMatchObject({ dryRun: true });
  });

  it.each<[string, (repository: ReturnType<typeof library.repo<Account>>) => Promise<unknown>]>([
    ['reson', (repository) => repository.softDelete(2, given({ reson: 'x' }))],
    ['dryRun', (repository) => repository.softDelete(2, given({ dryRun: 'yes' }))],
    ['actor', (repository) => repository.softDelete(2, given({ actor: 5 }))],
    ['withParent', (repository) => repository.restore(1, given({ withParent: true }))],
    ['withParents', (repository) => repository.restore(1, given({ withParents: 'yes' }))],
    ['dryRun', (repository) => repository.hardDelete(1, given({ dryRun: 1 }))],
    ['reason', (repository) => repository.hardDelete(1, given({ reason: 5 }))],
  ])('refuses %s before a row is touched', async (name, call) => {
    await expect(call(library.repo(Account))).rejects.toThrow(SoftDeleteConfigError);
    await expect(call(library.repo(Account))).rejects.toThrow(name);
    expect(await left()).toEqual(['a deleted', 'b active']);
  });

  it.each<[string, () => unknown]>([
    ['retension', () => SoftDeletable(given({ retension: '30d' }))(class Entity extends SoftDeletableEntity {})],
    ['retention', () => SoftDeletable(given({ retention: '30' }))(class Entity extends SoftDeletableEntity {})],
    ['guard', () => SoftDeletable(given({ guard: 'yes' }))(class Entity extends SoftDeletableEntity {})],
    ['purgeIndx', () => softDeletable(schema(), given({ purgeIndx: false }))],
    ['propertys', () => ActiveUnique(given({ propertys: ['email'] }))(class Entity extends SoftDeletableEntity {})],
    [
      'expression',
      () => ActiveIndex(given({ properties: ['email'], expression: 'x' }))(class Entity extends SoftDeletableEntity {}),
    ],
    ['deferMode', () => activeUnique(schema(), given({ properties: ['id'], deferMode: 'deferred' }))],
    ['nam', () => activeView(Account, given({ nam: 'x' }))],
    ['field', () => OnPurge(Account, given({ field: ['email'] }))],
    ['fields', () => OnPurge(Account, given({ fields: 'email' }))],
    ['fields', () => purge.registerHook(Account, () => undefined, given({ fields: [1] }))],
    ['fields', () => purge.registerHook(Account, () => undefined, given({ fields: [undefined] }))],
    ['fields', () => OnPurge(Account, given({ fields: ['email', null] }))],
    ['querry', () => WithDeleted(given({ querry: 'withDeleted' }))],
    ['query', () => WithDeleted(given({ query: true }))],
    ['contextname', () => SoftDeleteModule.forRootAsync(given({ useFactory: () => ({}), contextname: 'crm' }))],
    ['contextName', () => SoftDeleteModule.forFeature([Account], given({ contextName: 'crm' }))],
    ['purge', () => installSoftDelete(library.orm, given({ purge: { cron: '* * * * *' } }))],
    ['batchsize', () => createPurge(library.orm, given({ batchsize: 5 }))],
    ['retention', () => createPurge(library.orm, given({ retention: '90' }))],
    ['retension', () => new SoftDeleteDoctor(library.orm, given({ retension: '30d' }))],
    ['retention', () => new SoftDeleteDoctor(library.orm, given({ retention: '30' }))],
    ['largeTable', () => new SoftDeleteDoctor(library.orm, given({ largeTable: '5' }))],
    ['retension', () => describeDeletionPolicy(library.orm, given({ retension: '30d' }))],
  ])('refuses %s where it is declared', (name, declare) => {
    expect(declare).toThrow(SoftDeleteConfigError);
    expect(declare).toThrow(name);
  });

  it('refuses them of a health check and of the test tools', async () => {
    const health = new PurgeHealthIndicator(purge);
    await expect(health.isHealthy('purge', given({ slo: '1d' }))).rejects.toThrow('Did you mean sla?');
    await expect(health.isHealthy('purge', given({ sla: '24' }))).rejects.toThrow(/"24" has no unit/);
    await expect(backdateDeletions(library.em, given('31' as never))).rejects.toThrow(/"31" has no unit/);
    await expect(backdateDeletions(library.em, '31d', given('2020-01-01' as never))).rejects.toThrow('is not a date');
  });

  it('says what was probably meant, and what was given', async () => {
    await expect(purge.run(given({ dryrun: true }))).rejects.toThrow(
      'run(), dryrun: there is no such option (given: true). Did you mean dryRun? The options are: entities, dryRun, olderThan, schema, batchSize, timeBudget, maxRows, overrideBrake, signal, onProgress.',
    );
  });
});

function schema() {
  return defineEntity({ name: 'Thing', properties: { id: p.integer().primary(), deletedAt: p.datetime().nullable() } });
}

import { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type MikroORM as PostgreSqlMikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { LoggerService, ModuleMetadata } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  createPurge,
  PurgeService,
  softDelete,
  SOFT_DELETE_PURGE_JOB,
  SoftDeleteConfigError,
  SoftDeleteDoctor,
  SoftDeleteEvents,
  SoftDeleteModule,
  type SoftDeleteModuleOptions,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, Person, Pet } from '../nest/people.js';

describe(`${softDelete.name} in an application`, () => {
  let database: TestDatabase;
  let app: TestingModule | undefined;
  let logged: { level: string; text: string }[];

  const logger: LoggerService = {
    log: (text) => logged.push({ level: 'log', text: String(text) }),
    warn: (text) => logged.push({ level: 'warn', text: String(text) }),
    error: (text) => logged.push({ level: 'error', text: String(text) }),
  };

  beforeEach(async () => {
    database = await createPeopleDatabase();
    logged = [];
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.drop();
  });

  async function start(
    extension: SoftDeleteModuleOptions | undefined,
    module: SoftDeleteModuleOptions | undefined,
    more: NonNullable<ModuleMetadata['imports']> = [],
  ): Promise<TestingModule> {
    const metadata = {
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: database.url,
          entities: [Person, Pet],
          extensions: extension ? [softDelete(extension)] : [],
        }),
        ...(module ? [SoftDeleteModule.forRoot(module)] : []),
        ...more,
      ],
    };
    app = await Test.createTestingModule(metadata).setLogger(logger).compile();
    return app.init();
  }
  const ormOf = (from: TestingModule) => from.get<PostgreSqlMikroORM>(MikroORM as never);
  const retentions = async (purge: PurgeService) =>
    Object.fromEntries((await purge.status()).entities.map(({ entity, retention }) => [entity, retention]));
  const remove = async (orm: PostgreSqlMikroORM) => {
    const em = orm.em.fork();
    em.remove(await em.findOneOrFail(Pet, { name: 'Ada' }));
    await em.flush();
    return (await database.query('select name from pet where deleted_at is not null order by id')).map(
      ({ name }) => name,
    );
  };
  const lines = () => logged.filter(({ text }) => text.includes('Person 1h'));

  it.each<[string, SoftDeleteModuleOptions | undefined, SoftDeleteModuleOptions | undefined, string[]]>([
    ['the extension alone', {}, undefined, ['Ada', 'Bob']],
    ['the module alone', undefined, {}, ['Ada', 'Bob']],
    ['both', {}, {}, ['Ada', 'Bob']],
    ['none', undefined, undefined, ['Bob']],
  ])('deletes softly with %s', async (_name, extension, module, expected) => {
    await expect(remove(ormOf(await start(extension, module)))).resolves.toEqual(expected);
    await expect(database.query('select name from pet order by id')).resolves.toHaveLength(expected.length);
  });

  it('gives the services of the module what the extension was given', async () => {
    const actor = () => 'ada';
    const app = await start({ actor, purge: { retention: '90d' } }, { purge: { cron: '0 3 * * *' } }, [
      ScheduleModule.forRoot(),
    ]);
    await expect(retentions(app.get(PurgeService))).resolves.toEqual({ Person: 3_600_000, Pet: 7_776_000_000 });
    await expect(retentions(createPurge(ormOf(app)))).resolves.toEqual({ Person: 3_600_000, Pet: 7_776_000_000 });
    await expect(retentions(createPurge(ormOf(app), { retention: '1d' }))).resolves.toMatchObject({ Pet: 86_400_000 });
    expect(app.get(SchedulerRegistry).getCronJobs().has(SOFT_DELETE_PURGE_JOB)).toBe(true);
    const actors: unknown[] = [];
    app.get(SoftDeleteEvents).stream$.subscribe(({ actor }) => actors.push(actor));
    await remove(ormOf(app));
    expect(actors).toEqual(['ada']);
    expect(lines()).toEqual([{ level: 'log', text: 'Person 1h, Pet 90d; purge at 0 3 * * *' }]);
  });

  it('lets the module name what the extension leaves out', async () => {
    const app = await start({}, { actor: () => 'bob', purge: { retention: '7d' } });
    await expect(retentions(app.get(PurgeService))).resolves.toMatchObject({ Pet: 604_800_000 });
    const actors: unknown[] = [];
    app.get(SoftDeleteEvents).stream$.subscribe(({ actor }) => actors.push(actor));
    await remove(ormOf(app));
    expect(actors).toEqual(['bob']);
    expect(lines()).toEqual([
      { level: 'warn', text: expect.stringContaining('Person 1h, Pet 7d; but nothing purges') },
    ]);
  });

  it('warns of no purge unless something outside of the application runs it', async () => {
    await start(undefined, { purge: { engine: 'external' } });
    expect(lines()).toEqual([{ level: 'log', text: 'Person 1h, Pet forever; purge by an external engine' }]);
  });

  it('names the ORM of a context in the line', async () => {
    const app = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          contextName: 'crm',
          driver: PostgreSqlDriver,
          clientUrl: database.url,
          entities: [Person, Pet],
          extensions: [softDelete({ contextName: 'crm', purge: { engine: 'external' } })],
        }),
        SoftDeleteModule.forRoot({ contextName: 'crm' }),
      ],
    })
      .setLogger(logger)
      .compile();
    await app.init();
    expect(lines()).toEqual([{ level: 'log', text: 'crm: Person 1h, Pet forever; purge by an external engine' }]);
    await app.close();
  });

  it.each<[string, SoftDeleteModuleOptions, SoftDeleteModuleOptions, RegExp]>([
    [
      'retentions',
      { purge: { retention: '90d' } },
      { purge: { retention: '30d' } },
      /^purge\.retention: SoftDeleteModule says "30d", and softDelete\(\) in the MikroORM configuration says "90d"\./,
    ],
    ['actors', { actor: () => 'ada' }, { actor: () => 'bob' }, /^actor: SoftDeleteModule says /],
  ])('refuses two different %s', async (_name, extension, module, message) => {
    const failed = start(extension, module);
    await expect(failed).rejects.toThrow(SoftDeleteConfigError);
    await expect(failed).rejects.toThrow(message);
    expect(lines()).toEqual([]);
  });

  it('gives the doctor its retention without Nest', async () => {
    const orm = ormOf(await start({ purge: { retention: '1m' } }, undefined));
    const entities = (await new SoftDeleteDoctor(orm, { grace: 0 }).examine())
      .filter(({ code }) => code === 'purge-overdue')
      .map(({ entity }) => entity)
      .sort();
    expect(entities).toEqual(['Person', 'Pet']);
  });
});

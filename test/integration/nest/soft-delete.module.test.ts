import { MikroORM, RequestContext } from '@mikro-orm/core';
import { getMikroORMToken, getRepositoryToken, MikroOrmModule } from '@mikro-orm/nestjs';
import type { EntityManager, MikroORM as PostgreSqlMikroORM } from '@mikro-orm/postgresql';
import { Inject, Injectable, Module, type ModuleMetadata, type OnModuleInit } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  getPurgeServiceToken,
  getSoftDeleteEventsToken,
  getSoftDeleteRepositoryToken,
  InjectSoftDeleteRepository,
  PurgeService,
  SoftDeleteEvents,
  SoftDeleteModule,
  type SoftDeleteModuleOptions,
  type SoftDeleteOptionsFactory,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person, Pet, PetRepository } from './people.js';

describe(SoftDeleteModule.name, () => {
  let database: TestDatabase;
  let app: TestingModule | undefined;

  beforeAll(async () => {
    database = await createPeopleDatabase();
  });

  afterEach(async () => {
    await database.query(`delete from person where name = 'Eve'`);
    await app?.close();
    app = undefined;
  });

  afterAll(async () => {
    await database.drop();
  });

  async function start(metadata: ModuleMetadata): Promise<TestingModule> {
    app = await Test.createTestingModule(metadata).compile();
    return app.init();
  }

  const names = async (em: EntityManager) =>
    (await em.fork().find(Person, {}, { orderBy: { id: 1 } })).map((p) => p.name);

  it('installs soft deletion without any option', async () => {
    const app = await start({ imports: [mikroOrmModule(database), SoftDeleteModule.forRoot()] });
    const { em } = app.get<PostgreSqlMikroORM>(MikroORM as never);
    expect(await names(em)).toEqual(['Ada']);
  });

  it('is in place before the first query of another provider, wherever that one is imported', async () => {
    const seen: string[] = [];

    @Injectable()
    class Warmup implements OnModuleInit {
      constructor(@Inject(MikroORM) private readonly orm: PostgreSqlMikroORM) {}

      async onModuleInit() {
        seen.push(...(await names(this.orm.em)));
      }
    }

    @Module({ providers: [Warmup] })
    class WarmupModule {}

    await start({ imports: [WarmupModule, SoftDeleteModule.forRoot(), mikroOrmModule(database)] });
    expect(seen).toEqual(['Ada']);
  });

  it('lets every module inject the purge and the events, without importing anything', async () => {
    @Injectable()
    class Report {
      constructor(
        @Inject(PurgeService) readonly purge: PurgeService,
        @Inject(SoftDeleteEvents) readonly events: SoftDeleteEvents,
      ) {}
    }

    @Module({ providers: [Report] })
    class ReportModule {}

    const app = await start({ imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), ReportModule] });
    const report = app.get(Report);
    expect(report.purge).toBeInstanceOf(PurgeService);
    expect(report.events).toBeInstanceOf(SoftDeleteEvents);
  });

  it('tells who is deleting, and completes the events when the application closes', async () => {
    const app = await start({
      imports: [
        mikroOrmModule(database),
        SoftDeleteModule.forRoot({ actor: () => 'grace' }),
        SoftDeleteModule.forFeature([Person]),
      ],
    });
    const seen: unknown[] = [];
    app.get(SoftDeleteEvents).stream$.subscribe({
      next: ({ type, entity, count, actor }) => seen.push({ type, entity, count, actor }),
      complete: () => seen.push('complete'),
    });
    await database.query(`insert into person (name) values ('Eve')`);
    const people: SoftDeleteRepository<Person> = app.get(getSoftDeleteRepositoryToken(Person));
    await RequestContext.create(people.getEntityManager(), () => people.softDelete({ name: 'Eve' }));
    await app.close();
    expect(seen).toEqual([{ type: 'deleted', entity: 'Person', count: 1, actor: 'grace' }, 'complete']);
  });

  describe('forRootAsync', () => {
    class Settings implements SoftDeleteOptionsFactory {
      createSoftDeleteOptions(): SoftDeleteModuleOptions {
        return { purge: { retention: '1h' } };
      }
    }

    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}

    it.each([
      [
        'useFactory',
        { imports: [SettingsModule], inject: [Settings], useFactory: (it: Settings) => it.createSoftDeleteOptions() },
      ],
      ['useFactory, later', { useFactory: async () => new Settings().createSoftDeleteOptions() }],
      ['useClass', { useClass: Settings }],
      ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
    ])('takes its options from %s', async (_way, options) => {
      const app = await start({
        imports: [mikroOrmModule(database), SoftDeleteModule.forRootAsync(options as never)],
      });
      // Bob's pet was deleted two hours ago and names no retention: it is due by the option, and never without it.
      const { entities } = await app.get(PurgeService).run({ dryRun: true });
      expect(entities.find(({ entity }) => entity === 'Pet')).toMatchObject({ purged: 1 });
    });
  });

  describe('forFeature', () => {
    @Injectable()
    class People {
      constructor(
        @InjectSoftDeleteRepository(Person) readonly people: SoftDeleteRepository<Person>,
        @InjectSoftDeleteRepository(Pet) readonly pets: PetRepository,
        @Inject(PetRepository) readonly custom: PetRepository,
        @Inject(getRepositoryToken(Pet)) readonly generic: PetRepository,
      ) {}
    }

    @Module({
      imports: [SoftDeleteModule.forFeature([Person, Pet]), MikroOrmModule.forFeature([Pet])],
      providers: [People],
    })
    class PeopleModule {}

    it('provides a repository per entity, the custom one where there is one', async () => {
      const app = await start({ imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), PeopleModule] });
      const { people, pets, custom, generic } = app.get(People);
      expect(people.constructor).toBe(SoftDeleteRepository);
      expect(pets).toBeInstanceOf(PetRepository);
      expect([custom, generic]).toEqual([pets, pets]);
      expect(app.get(getSoftDeleteRepositoryToken(Person), { strict: false })).toBe(people);
    });

    it('provides repositories that follow the request', async () => {
      const app = await start({ imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), PeopleModule] });
      const { people, pets } = app.get(People);
      const { em } = app.get<PostgreSqlMikroORM>(MikroORM as never);
      await RequestContext.create(em, async () => {
        const ada = await people.findOneOrFail({ name: 'Ada' });
        expect(
          RequestContext.getEntityManager()!
            .getUnitOfWork()
            .getById(Person as never, ada.id),
        ).toBe(ada);
        expect(await pets.findByName('Bob')).toBeNull();
        expect((await people.withDeleted().findAll()).map(({ name }) => name).sort()).toEqual(['Ada', 'Bob']);
      });
      expect(em.getUnitOfWork(false).getIdentityMap().keys()).toEqual([]);
    });
  });

  describe('with several ORMs', () => {
    let crm: TestDatabase;

    beforeAll(async () => {
      crm = await createPeopleDatabase();
      await crm.query(`update person set name = 'Crm-' || name`);
    });

    afterAll(async () => {
      await crm.drop();
    });

    it('keeps what belongs to each apart', async () => {
      @Injectable()
      class Both {
        constructor(
          @InjectSoftDeleteRepository(Person) readonly people: SoftDeleteRepository<Person>,
          @InjectSoftDeleteRepository(Person, 'crm') readonly contacts: SoftDeleteRepository<Person>,
          @Inject(SoftDeleteEvents) readonly events: SoftDeleteEvents,
          @Inject(getSoftDeleteEventsToken('crm')) readonly crmEvents: SoftDeleteEvents,
          @Inject(PurgeService) readonly purge: PurgeService,
          @Inject(getPurgeServiceToken('crm')) readonly crmPurge: PurgeService,
        ) {}
      }
      const app = await start({
        imports: [
          mikroOrmModule(database),
          mikroOrmModule(crm, 'crm'),
          SoftDeleteModule.forRoot({ actor: () => 'default' }),
          SoftDeleteModule.forRootAsync({ contextName: 'crm', useFactory: () => ({ actor: () => 'crm' }) }),
          SoftDeleteModule.forFeature([Person]),
          SoftDeleteModule.forFeature([Person], 'crm'),
        ],
        providers: [Both],
      });
      const { people, contacts, events, crmEvents, purge, crmPurge } = app.get(Both);
      const seen: string[] = [];
      events.stream$.subscribe(({ type, actor }) => seen.push(`default: ${type} by ${actor}`));
      crmEvents.stream$.subscribe(({ type, actor }) => seen.push(`crm: ${type} by ${actor}`));

      await RequestContext.create([people.getEntityManager(), contacts.getEntityManager()], () =>
        contacts.softDelete({ name: 'Crm-Ada' }),
      );
      expect(await contacts.getEntityManager().fork().count(Person)).toBe(0);
      expect(await names(people.getEntityManager() as EntityManager)).toEqual(['Ada']);
      expect(seen).toEqual(['crm: deleted by crm']);

      expect(crmPurge).not.toBe(purge);
      expect(await crmPurge.run()).toMatchObject({ total: 1 });
      expect(await crm.query('select name from person')).toEqual([{ name: 'Crm-Ada' }]);
      expect(await database.query('select name from person order by id')).toEqual([{ name: 'Ada' }, { name: 'Bob' }]);
      expect(app.get(getMikroORMToken('crm'))).not.toBe(app.get(MikroORM));
    });

    it('starts twice in one process without the applications seeing each other', async () => {
      await start({ imports: [mikroOrmModule(database), SoftDeleteModule.forRoot()] });
      const other = await Test.createTestingModule({
        imports: [mikroOrmModule(crm), SoftDeleteModule.forRoot()],
      }).compile();
      await other.init();
      expect(other.get(SoftDeleteEvents)).not.toBe(app!.get(SoftDeleteEvents));
      let completed = false;
      app!.get(SoftDeleteEvents).stream$.subscribe({ complete: () => (completed = true) });
      await other.close();
      expect(completed).toBe(false);
      expect(await names(app!.get<PostgreSqlMikroORM>(MikroORM as never).em)).toEqual(['Ada']);
    });
  });
});

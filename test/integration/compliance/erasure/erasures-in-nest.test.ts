import { MikroORM } from '@mikro-orm/core';
import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type MikroORM as PostgreSqlMikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { type INestApplication, Injectable, Module } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  PurgeHealthIndicator,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteModule,
  type SoftDeleteModuleOptions,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  ErasureService,
  getErasureServiceToken,
  OnErase,
  SOFT_DELETE_ERASURE_JOB,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../../support/database.js';
import { Customer, SHOP } from './shop.entities.js';
import { PLANT } from './use-erasures.js';

@Injectable()
class Avatars {
  readonly deleted: string[] = [];

  @OnErase(Customer, { fields: ['email'] })
  async remove(customers: Customer[]): Promise<void> {
    this.deleted.push(...customers.map(({ email }) => email));
  }
}

@Module({ providers: [Avatars] })
class AvatarsModule {}

@Module({ providers: [PurgeHealthIndicator] })
class HealthModule {}

@SoftDeletable()
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

describe('erasures in a Nest application', () => {
  let database: TestDatabase;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => database.drop());

  const orm = (more: object = {}, entities: any[] = [...SHOP, ...complianceEntities()]) =>
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: database.url,
      entities,
      registerRequestContext: false,
      ...more,
    });
  const start = async (options: SoftDeleteModuleOptions, ...imports: any[]) => {
    const module = await Test.createTestingModule({
      imports: [...imports, SoftDeleteModule.forRoot(options)],
    }).compile();
    app = module.createNestApplication({ logger: false });
    return app.init();
  };

  it('are injectable for every context, with the options of the module and of the ORM together', async () => {
    const told: unknown[] = [];
    await start(
      { erasure: { deadline: '2 months' } },
      orm({ extensions: [softDelete({ erasure: { ledger: (entry) => void told.push(entry) } })] }),
      orm({ contextName: 'second' }),
      SoftDeleteModule.forRoot({ contextName: 'second' }),
    );
    const erasures = app!.get(ErasureService);
    expect(getErasureServiceToken()).toBe(ErasureService);
    expect(app!.get(getErasureServiceToken('second'))).not.toBe(erasures);
    await app!.get<PostgreSqlMikroORM>(MikroORM as never).schema.create();
    await database.query(PLANT);
    const requestedAt = new Date('2025-12-31T00:00:00Z');
    expect(await erasures.erase(Customer, 1, { requestedAt })).toMatchObject({
      dueAt: new Date('2026-02-28T00:00:00Z'),
    });
    expect(told).toHaveLength(1);
  });

  it('are carried out when their cron job ticks', async () => {
    await start({ erasure: { cron: '* * * * * *' } }, orm(), ScheduleModule.forRoot());
    expect(app!.get(SchedulerRegistry).getCronJobs().has(SOFT_DELETE_ERASURE_JOB)).toBe(true);
    const erasures = app!.get(ErasureService);
    await erasures.request(Customer, 2);
    let open = 1;
    while (open > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ({ open } = await erasures.status());
    }
    expect(await database.query('select name from customer where id = 2')).toEqual([{ name: '[erased]' }]);
  });

  it('call the methods of providers before', async () => {
    await start({}, orm(), AvatarsModule);
    await database.query(`insert into customer (email, name, version) values ('eve@example.org', 'Eve', 1)`);
    await app!.get(ErasureService).erase(Customer, 3);
    expect(app!.get(Avatars, { strict: false }).deleted).toEqual(['eve@example.org']);
  });

  it.each<[string, SoftDeleteModuleOptions['erasure'], any[], RegExp]>([
    [
      'a cron job without a scheduler',
      { cron: '0 3 * * *' },
      [],
      /erasure.cron: it is "0 3 \* \* \*", but the application has no Sche/,
    ],
    [
      'a cron expression that is none',
      { cron: 'daily' },
      [ScheduleModule.forRoot()],
      /"daily" is not a cron expression/,
    ],
    ['a deadline without a unit', { deadline: '30' as never }, [], /erasure.deadline: "30" has no unit/],
    ['a ledger that is none', { ledger: 'file' as never }, [], /erasure.ledger: "file" is not a function/],
    ['an option that does not exist', { dedline: '1 month' } as never, [], /erasure.dedline.*Did you mean deadline/],
  ])('refuse %s', async (_what, erasure, imports, message) => {
    await expect(start({ erasure }, orm(), ...imports)).rejects.toThrow(message);
  });

  it('refuse options where nothing can be erased, and those that contradict the ORM', async () => {
    await expect(start({ erasure: { deadline: '1 month' } }, orm({}, SHOP))).rejects.toThrow('...complianceEntities()');
    await expect(
      start(
        { erasure: { deadline: '1 month' } },
        orm({ extensions: [softDelete({ erasure: { deadline: '2 months' } })] }),
      ),
    ).rejects.toThrow('erasure.deadline: SoftDeleteModule says "1 month"');
  });

  it('turn the health check red while one is overdue and nothing but the app is in its way', async () => {
    await start({}, orm(), HealthModule);
    const health = app!.get(PurgeHealthIndicator);
    await app!.get<PostgreSqlMikroORM>(MikroORM as never).schema.refresh();
    await database.query(PLANT);
    await database.query(`update purchase set paid_at = now() - interval '9 years' where customer_id = 1`);
    const erasures = app!.get(ErasureService);
    const up = { purge: { status: 'up', overdueBy: 0 } };

    const requestedAt = new Date('2025-12-31T00:00:00Z');
    const { id } = await erasures.request(Customer, 1, { requestedAt });
    const second = await erasures.request(Customer, 2, { requestedAt });
    expect(await health.isHealthy()).toEqual({
      purge: { status: 'down', message: '2 erasures are overdue.', overdueBy: 0, overdueErasures: 2 },
    });
    await erasures.withdraw(second.id);
    expect(await health.isHealthy()).toMatchObject({
      purge: { status: 'down', message: '1 erasure is overdue.', overdueErasures: 1 },
    });
    expect(await erasures.run()).toMatchObject([{ id, outcome: 'partial' }]);
    expect(await database.query('select outcome, due_at < now() as late from erasure order by id')).toMatchObject([
      { outcome: 'partial', late: true },
      { outcome: null, late: true },
    ]);
    expect(await health.isHealthy()).toEqual(up);
  });

  it('of several ORMs keep to their own database, deadline and ledger, and are refused where one has no table for them', async () => {
    const databases = { second: await createTestDatabase(), third: await createTestDatabase() };
    const told: string[] = [];
    const ledger = (name: string) => (entry: { entity: string }) => void told.push(`${name} ${entry.entity}`);
    const named = (contextName: 'second' | 'third', entities: any[]) =>
      orm({ contextName, clientUrl: databases[contextName].url }, entities);
    try {
      await start(
        { erasure: { deadline: '2 months', ledger: ledger('first') } },
        orm(),
        named('second', [...SHOP, ...complianceEntities()]),
        named('third', SHOP.slice(0, -2)),
        SoftDeleteModule.forRoot({ contextName: 'second', erasure: { deadline: '3 days', ledger: ledger('second') } }),
        SoftDeleteModule.forRoot({ contextName: 'third' }),
        AvatarsModule,
        HealthModule,
      );
      const managers = [MikroORM as never, 'second_MikroORM', 'third_MikroORM'];
      const all = [database, databases.second, databases.third];
      for (const [i, token] of managers.entries()) {
        await app!.get<PostgreSqlMikroORM>(token).schema.refresh();
        await all[i]!.query(
          `insert into customer (email, name, version) values ('${i}@example.org', 'Ada of ${i}', 1)`,
        );
      }
      const names = async () => (await Promise.all(all.map((each) => each.query('select name from customer')))).flat();
      const [second, third] = ['second', 'third'].map((name) => app!.get<ErasureService>(getErasureServiceToken(name)));

      await expect(third!.erase(Customer, 1)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
      const requestedAt = new Date('2026-01-01T00:00:00Z');
      const { dueAt } = await second!.request(Customer, 1, { requestedAt });
      expect(dueAt).toEqual(new Date('2026-01-04T00:00:00Z'));
      expect(await app!.get(PurgeHealthIndicator).isHealthy()).toMatchObject({ purge: { status: 'up' } });
      expect(await app!.get(ErasureService).run()).toEqual([]);
      expect(await second!.run()).toMatchObject([{ outcome: 'completed', onTime: false }]);
      expect(app!.get(Avatars, { strict: false }).deleted).toEqual(['1@example.org']);
      expect([await names(), told]).toEqual([
        [{ name: 'Ada of 0' }, { name: '[erased]' }, { name: 'Ada of 2' }],
        ['second Customer'],
      ]);
      expect(await database.query('select from erasure')).toEqual([]);
      expect(await database.query('select from deletion_record')).toEqual([]);
    } finally {
      await app?.close();
      app = undefined;
      await Promise.all(Object.values(databases).map((each) => each.drop()));
    }
  });

  it('leave the health check of an app without them alone', async () => {
    await start({}, orm({}, [Shelf]), HealthModule);
    expect(await app!.get(PurgeHealthIndicator).isHealthy()).toEqual({ purge: { status: 'up', overdueBy: 0 } });
  });
});

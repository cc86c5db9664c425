import { type Dictionary, RequestContext } from '@mikro-orm/core';
import { Entity, Filter, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { getMikroORMToken, MikroOrmModule } from '@mikro-orm/nestjs';
import { type EntityManager, MikroORM, PostgreSqlDriver, type Rel } from '@mikro-orm/postgresql';
import { type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getPurgeServiceToken,
  type PurgeService,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  createCompliance,
  type DeletionLog,
  type ErasureService,
  getDeletionLogToken,
  getErasureServiceToken,
  getLegalHoldServiceToken,
  type LegalHoldService,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { createTestOrm } from '../../support/orm.js';

/** In every schema, for each tenant, or of one table that a filter splits. */
function model(schema?: string) {
  const table = (tableName: string) => ({ tableName, ...(schema ? { schema } : {}) });

  @PersonalData<Client>({ subject: true, fields: { name: null }, notPersonal: ['tenant'] })
  @SoftDeletable({ retention: '1h' })
  @Entity(table('client'))
  @Filter({ name: 'tenant', cond: (args?: Dictionary) => args ?? {}, default: true, args: false })
  class Client extends SoftDeletableEntity {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @Property({ type: 'text', nullable: true })
    name?: string | null;

    @Property({ type: 'text', default: 'one' })
    tenant: string = 'one';
  }

  @PersonalData<Bill>({ of: 'client', fields: {} })
  @SoftDeletable({ retention: '1h' })
  @Entity(table('bill'))
  class Bill extends SoftDeletableEntity {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Client, { deleteRule: 'cascade' })
    client!: Rel<Client>;
  }
  return { Client, Bill } as { Client: new () => any; Bill: new () => any };
}

const DATA = (schema: string) => `
  set session_replication_role = 'replica';
  truncate ${['client', 'bill', 'deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'].map((table) => schema + table).join(', ')} restart identity;
  reset session_replication_role;
  insert into ${schema}client (id, name, tenant, deleted_at) values (1, 'Ada Lovelace', 'one', null), (2, 'Bob Babbage', 'one', now() - interval '1 day'), (3, 'Cyd Charisse', 'two', null);
  insert into ${schema}bill (id, client_id, deleted_at) values (1, 1, null), (2, 1, null), (3, 2, (select deleted_at from ${schema}client where id = 2)), (4, 3, null)`;

interface Services {
  readonly em: EntityManager;
  readonly holds: LegalHoldService;
  readonly erasures: ErasureService;
}

interface Door {
  readonly name: string;
  readonly expected: Record<string, number>;
  act(services: Services, entities: ReturnType<typeof model>): Promise<unknown>;
}

const repository = (em: EntityManager, entity: new () => any): SoftDeleteRepository<any> =>
  em.getRepository(entity) as never;

const DOORS: Door[] = [
  {
    name: 'softDelete()',
    expected: { 'deleted Client': 1, 'deleted Bill': 2 },
    act: ({ em }, { Client }) => repository(em, Client).softDelete({ name: { $ne: null }, tenant: 'one' }),
  },
  {
    name: 'a flush',
    expected: { 'deleted Client': 1, 'deleted Bill': 2 },
    act: async ({ em }, { Client }) => em.remove(await em.findOneOrFail(Client, 1)).flush(),
  },
  {
    name: 'restore()',
    expected: { 'restored Client': 1, 'restored Bill': 1 },
    act: ({ em }, { Client }) => repository(em, Client).restore(2),
  },
  {
    name: 'hardDelete()',
    expected: { 'hard-deleted Client': 1, 'hard-deleted Bill': 2 },
    act: ({ em }, { Client }) => repository(em, Client).hardDelete(1),
  },
  {
    name: 'erase()',
    expected: { 'erased Client': 1 },
    act: ({ erasures }, { Client }) => erasures.erase(Client, 1),
  },
  {
    name: 'a hold',
    expected: { 'held Client': 1 },
    act: ({ holds }, { Client }) => holds.place({ name: 'x', reason: 'y', on: [[Client, 1]] }),
  },
];

/** The ORM never gets back a connection that the database has ended, and would wait for it. */
function closeLater(it: { close(): Promise<unknown> }): void {
  it.close().catch(() => undefined);
}

interface World {
  readonly entities: ReturnType<typeof model>;
  /** The schema with the rows, with a dot after it, and one that nobody touches. */
  readonly own: readonly [database: TestDatabase, schema: string];
  readonly other?: readonly [database: TestDatabase, schema: string];
  /** Calls back in the context of the tenant, or of the ORM. */
  run<Result>(work: (services: Services) => Promise<Result>): Promise<Result>;
}

function recordsEqualEffects(world: () => World): void {
  const records = async ([database, schema]: World['own'] = world().own) =>
    Object.fromEntries(
      (
        await database.query(
          `select action || ' ' || entity as name, sum(count)::int as rows from ${schema}deletion_record group by 1`,
        )
      ).map(({ name, rows }) => [name, rows as number]),
    );
  const state = async ([database, schema]: World['own'] = world().own) =>
    database.query(`
      select 'Client' as entity, id, name, deleted_at::text from ${schema}client
      union all select 'Bill', id, null, deleted_at::text from ${schema}bill
      union all select 'hold', id, name, null from ${schema}legal_hold order by 1, 2`);
  const refuse = () => Promise.reject(new Error('refused'));
  const isRefused = (error: Error) => expect(error.message).toBe('refused');
  /** Runs what leaves the rows and records alone of which nobody spoke. */
  const alone = async (work: () => Promise<unknown>) => {
    const { other } = world();
    const before = other && (await state(other));
    await work();
    if (other) {
      expect([await state(other), await records(other)]).toEqual([before, {}]);
    }
  };

  beforeEach(async () => {
    for (const [database, schema] of [world().own, world().other].flatMap((each) => (each ? [each] : []))) {
      await database.query(`drop trigger if exists kill on ${schema}deletion_record; ${DATA(schema)}`);
    }
  });

  describe.each(DOORS)('of $name', ({ act, expected }) => {
    it('that is committed', () =>
      alone(async () => {
        const before = await state();
        await world().run((services) => act(services, world().entities));
        expect(await records()).toEqual(expected);
        expect(await state()).not.toEqual(before);
      }));

    it('that is rolled back, or its savepoint', () =>
      alone(async () => {
        const before = await state();
        await world()
          .run(({ em, ...services }) =>
            em.transactional(async (tx) => {
              await act({ em: tx, ...services }, world().entities);
              await refuse();
            }),
          )
          .catch(isRefused);
        expect([await state(), await records()]).toEqual([before, {}]);
        await world().run(({ em, ...services }) =>
          em.transactional(async (tx) => {
            await tx
              .transactional(async (inner) => {
                await act({ em: inner, ...services }, world().entities);
                await refuse();
              })
              .catch(isRefused);
            await repository(tx, world().entities.Bill).softDelete(1);
          }),
        );
        expect(await records()).toEqual({ 'deleted Bill': 1 });
        const isOther = ({ entity, id }: Dictionary) => !(entity === 'Bill' && id === 1);
        expect((await state()).filter(isOther)).toEqual(before.filter(isOther));
      }));

    it('whose backend is killed', () =>
      alone(async () => {
        const before = await state();
        const [database, schema] = world().own;
        await database.query(`
          create or replace function ${schema}kill() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end';
          create trigger kill before insert on ${schema}deletion_record for each row execute function ${schema}kill()`);
        await expect(world().run((services) => act(services, world().entities))).rejects.toThrow(
          /terminat|connection/i,
        );
        await database.query(`drop trigger kill on ${schema}deletion_record`);
        expect([await state(), await records()]).toEqual([before, {}]);
      }));
  });
}

describe('records equal effects where a process has two ORMs', () => {
  const contexts = ['north', 'south'] as const;
  const entities = model();
  let databases: Record<(typeof contexts)[number], TestDatabase>;
  let app: INestApplication;

  beforeAll(async () => {
    databases = { north: await createTestDatabase(), south: await createTestDatabase() };
    const module = await Test.createTestingModule({
      imports: contexts.flatMap((contextName) => [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: databases[contextName].url,
          entities: [...Object.values(entities), ...complianceEntities()],
          registerRequestContext: false,
          contextName,
          pool: { min: 0, max: 100 },
        }),
        SoftDeleteModule.forRoot({ contextName, actor: () => contextName }),
      ]),
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.init();
    for (const name of contexts) {
      await orm(name).schema.create();
    }
  });
  afterAll(async () => {
    closeLater(app);
    await Promise.all(Object.values(databases).map((database) => database.drop()));
  });

  const orm = (name: string): MikroORM => app.get(getMikroORMToken(name));
  const worldOf = (name: 'north' | 'south', other: 'north' | 'south'): World => ({
    entities,
    own: [databases[name], ''],
    other: [databases[other], ''],
    run: (work) => {
      const em = orm(name).em.fork() as EntityManager;
      const services = {
        holds: app.get(getLegalHoldServiceToken(name)),
        erasures: app.get(getErasureServiceToken(name)),
      };
      // Both have a context of their own in every request.
      return RequestContext.create([orm(other).em, orm(name).em], () => work({ em, ...services }));
    },
  });

  describe('the first', () => {
    recordsEqualEffects(() => worldOf('north', 'south'));
  });
  describe('the second', () => {
    recordsEqualEffects(() => worldOf('south', 'north'));
  });

  it('and each purges, and records, its own', async () => {
    for (const name of contexts) {
      await databases[name].query(DATA(''));
    }
    const purge: PurgeService = app.get(getPurgeServiceToken('south'));
    expect((await purge.run()).total).toBe(2);
    const [north, south] = contexts.map((name): DeletionLog => app.get(getDeletionLogToken(name)));
    expect(await north!.find()).toEqual([]);
    expect((await south!.find()).map(({ action, entity, count }) => `${action} ${entity} ${count}`)).toEqual([
      'purged Client 1',
      'purged Bill 1',
    ]);
  });
});

describe('records equal effects where each tenant has a schema', () => {
  const entities = model('*');
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [...Object.values(entities), ...complianceEntities({ schema: '*' })],
      extensions: [softDelete({ purge: { schemas: () => ['north', 'south'] } })],
      pool: { min: 0, max: 100 },
    });
    for (const schema of ['north', 'south']) {
      await database.query(`create schema ${schema}`);
      await orm.schema.update({ schema });
    }
  });
  afterAll(async () => {
    closeLater(orm);
    await database.drop();
  });

  recordsEqualEffects(() => ({
    entities,
    own: [database, 'south.'],
    other: [database, 'north.'],
    run: (work) => {
      const em = orm.em.fork({ schema: 'south' }) as EntityManager;
      return RequestContext.create(em, () => work({ em, ...createCompliance(orm) }));
    },
  }));
});

describe('records equal effects where a filter tells tenants apart', () => {
  const entities = model();
  let test: Awaited<ReturnType<typeof createTestOrm>>;

  beforeAll(async () => {
    test = await createTestOrm([...Object.values(entities), ...complianceEntities()], { pool: { min: 0, max: 100 } });
  });
  afterAll(async () => {
    closeLater(test.orm);
    await test.database.drop();
  });

  const run: World['run'] = (work) => {
    const em = test.orm.em.fork() as EntityManager;
    em.setFilterParams('tenant', { tenant: 'one' });
    return RequestContext.create(em, () => work({ em, ...createCompliance(test.orm) }));
  };
  recordsEqualEffects(() => ({ entities, own: [test.database, ''], run }));

  it('and rows of others are neither deleted nor counted', async () => {
    await test.database.query(DATA(''));
    await run(async ({ em }) => {
      await repository(em, entities.Client).softDelete({});
      await repository(em, entities.Client).hardDelete({ id: 3 });
    });
    expect(await test.database.query(`select action, entity, count::int from deletion_record order by entity`)).toEqual(
      [
        { action: 'deleted', entity: 'Bill', count: 2 },
        { action: 'deleted', entity: 'Client', count: 1 },
      ],
    );
    expect(await test.database.query('select deleted_at from client where id = 3')).toEqual([{ deleted_at: null }]);
  });
});

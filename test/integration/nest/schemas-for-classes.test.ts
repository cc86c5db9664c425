import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type InferEntity, defineEntity, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { type INestApplication, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getSoftDeleteRepositoryToken,
  NotSoftDeletableError,
  OnDelete,
  OnPurge,
  OnRestore,
  PurgeService,
  registerHook,
  softDeletable,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  DeletionLog,
  ErasureService,
  LegalHoldService,
  OnErase,
  personalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { backdateDeletions, countRows } from 'nestjs-mikro-orm-soft-delete/testing';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const Reader = personalData(
  softDeletable(
    defineEntity({
      name: 'Reader',
      properties: {
        id: p.integer().primary(),
        name: p.text(),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
    { retention: '30d' },
  ),
  { subject: true, fields: { name: '[erased]' } },
);
type Reader = InferEntity<typeof Reader>;

const Visit = personalData(
  softDeletable(
    defineEntity({
      name: 'Visit',
      properties: { id: p.integer().primary(), reader: () => p.manyToOne(Reader), note: p.text() },
    }),
    { strategy: 'archive', retention: '30d' },
  ),
  { of: 'reader', fields: { note: '' } },
);

const Stranger = defineEntity({ name: 'Stranger', properties: { id: p.integer().primary() } });

@Injectable()
class Watcher {
  readonly seen: string[] = [];

  @OnDelete(Reader, { fields: ['name'] })
  deleted(readers: Reader[]) {
    this.note('deleted', readers);
  }

  @OnRestore(Reader)
  restored(readers: Reader[]) {
    this.note('restored', readers);
  }

  @OnPurge(Reader, { fields: ['name'] })
  async purged(readers: Reader[]) {
    this.note('purged', readers);
  }

  @OnErase(Reader, { fields: ['name'] })
  async erased(readers: Reader[]) {
    this.note('erased', readers);
  }

  @OnDelete(Visit)
  @OnRestore(Visit)
  @OnPurge(Visit)
  @OnErase(Visit)
  async visits(visits: InferEntity<typeof Visit>[]) {
    this.note('visit', visits);
  }

  note(what: string, rows: readonly { id: number }[]) {
    this.seen.push(...rows.map(({ id }) => `${what} ${id}`));
  }
}

describe('a schema without a class of its own', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let orm: MikroORM;

  const start = async (...providers: any[]) => {
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: database.url,
          entities: [Reader, Visit, Stranger, ...complianceEntities()],
          allowGlobalContext: true,
          registerRequestContext: false,
        }),
        SoftDeleteModule.forRoot(),
        SoftDeleteModule.forFeature([Reader, Visit]),
      ],
      providers,
    }).compile();
    app = module.createNestApplication({ logger: false });
    return app.init();
  };

  beforeEach(async () => {
    database = await createTestDatabase();
    await start(Watcher);
    orm = app.get(MikroORM);
    await orm.schema.create();
    await database.query(`insert into reader (id, name) values (1, 'Ada'), (2, 'Bob'), (3, 'Cid')`);
  });
  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  it('stands for the class in hooks, records, holds, erasures, the purge and test helpers', async () => {
    const { seen } = app.get(Watcher);
    const readers = app.get<SoftDeleteRepository<Reader>>(getSoftDeleteRepositoryToken(Reader));
    registerHook(orm, 'delete', Reader, (rows) => void seen.push(`${rows.length} more`));
    await readers.softDelete(1, { reason: 'moved' });
    await readers.restore(1);
    await readers.softDelete([1, 2]);
    expect(await countRows(orm.em.fork(), Reader)).toEqual({ active: 1, deleted: 2 });

    const log = app.get(DeletionLog);
    expect(await log.of(Reader, 1)).toMatchObject([{ action: 'deleted' }, { action: 'restored' }, { reason: 'moved' }]);
    expect(await log.find({ entity: Reader, action: 'restored' })).toMatchObject([{ entity: 'Reader', count: 1 }]);

    const holds = app.get(LegalHoldService);
    const { id } = await holds.place({ name: 'Case 1', reason: 'asked by court', on: [[Reader, 2]] });
    expect(await holds.of(Reader, 2)).toMatchObject([{ id }]);

    const purge = app.get(PurgeService);
    purge.registerHook(Reader, async (rows) => void seen.push(...rows.map((row) => `hooked ${row.id}`)));
    await backdateDeletions(orm.em.fork(), '31d');
    expect(await purge.explain(Reader, [1, 2])).toMatchObject([{ key: 1 }, { key: 2 }]);
    expect(await purge.run({ entities: [Reader] })).toMatchObject({ total: 1, entities: [{ held: 1 }] });

    const erasures = app.get(ErasureService);
    erasures.onErase(Reader, async (rows) => void seen.push(...rows.map((row) => `hooked ${row.id}`)));
    expect(await erasures.plan(Reader, 3)).toMatchObject({ subject: { entity: 'Reader', key: 3 } });
    await erasures.request(Reader, 3, { after: '14d' });
    expect(await erasures.erase(Reader, 3)).toMatchObject({ outcome: 'completed' });
    expect(await database.query('select id, name from reader order by id')).toEqual([
      { id: 2, name: 'Bob' },
      { id: 3, name: '[erased]' },
    ]);
    expect(seen.toSorted().join(', ')).toBe(
      '1 more, 2 more, deleted 1, deleted 1, deleted 2, erased 3, hooked 1, hooked 3, purged 1, restored 1',
    );
  });

  it('stands for the class of archived rows', async () => {
    const { seen } = app.get(Watcher);
    const visits = app.get<SoftDeleteRepository<InferEntity<typeof Visit>>>(getSoftDeleteRepositoryToken(Visit));
    await database.query(`insert into visit (id, reader_id, note) values (1, 1, 'a'), (2, 1, 'b')`);
    await visits.softDelete([1, 2]);
    await visits.restore(2);
    const { id } = await app.get(LegalHoldService).place({ name: 'Case 2', reason: 'asked', on: [[Visit, 1]] });
    await app.get(LegalHoldService).release(id, { reason: 'over' });
    await app.get(ErasureService).erase(Reader, 1);
    await backdateDeletions(orm.em.fork(), '31d');
    expect(await app.get(PurgeService).run({ entities: [Visit] })).toMatchObject({ total: 1 });
    expect(seen.filter((what) => what.startsWith('visit')).toSorted()).toEqual(
      // Deleted, erased and purged; deleted, restored and erased.
      ['visit 1', 'visit 1', 'visit 1', 'visit 2', 'visit 2', 'visit 2'],
    );
    expect(await app.get(DeletionLog).of(Visit, 1)).toMatchObject([
      { action: 'purged' },
      { action: 'erased' },
      { action: 'released' },
      { action: 'held' },
      { action: 'archived' },
    ]);
  });

  it('has its name in what is said of it', async () => {
    expect(() => registerHook(orm, 'delete', Stranger, () => {})).toThrow(
      /^registerHook\(\): Stranger is not soft-deletable\. Soft-deletable are: Reader/,
    );
    expect(() => app.get(PurgeService).registerHook(Stranger, async () => {})).toThrow(NotSoftDeletableError);
    expect(() => app.get(ErasureService).onErase(Stranger, async () => {})).toThrow(/Stranger is not declared/);
    const Unknown = defineEntity({ name: 'Unknown', properties: { id: p.integer().primary() } });
    expect(() => registerHook(orm, 'delete', Unknown, () => {})).toThrow(/: Unknown is not /);
    expect(() => OnDelete(Unknown, { fields: 'id' as never })).toThrow(/@OnDelete\(Unknown\), fields/);
    expect(() => OnPurge(Unknown, { fields: 'id' as never })).toThrow(/@OnPurge\(Unknown\), fields/);
    expect(() => OnErase(Unknown, { fields: 'id' as never })).toThrow(/@OnErase\(Unknown\), fields/);
    for (const asked of [
      () => app.get(DeletionLog).of(Unknown, 1),
      () => app.get(DeletionLog).find({ entity: Unknown }),
      () => app.get(ErasureService).plan(Unknown, 1),
      () => app.get(ErasureService).erase(Unknown, 1),
      () => app.get(ErasureService).request(Unknown, 1),
      () => app.get(LegalHoldService).place({ name: 'a', reason: 'b', on: [[Unknown, 1]] }),
      () => app.get(LegalHoldService).of(Unknown, 1),
      () => app.get(PurgeService).explain(Unknown, [1]),
    ]) {
      await expect(asked()).rejects.toThrow(/\bUnknown\b/);
    }
  });
});

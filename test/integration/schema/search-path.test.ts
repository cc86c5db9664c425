import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  softDelete,
  softDeletable,
  SoftDeleteDoctor,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const Note = softDeletable(
  defineEntity({
    name: 'Note',
    tableName: 'note',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
  { retention: '30d' },
);
const Draft = softDeletable(
  defineEntity({ name: 'Draft', tableName: 'draft', properties: { id: p.integer().primary(), text: p.text() } }),
  { strategy: 'archive', retention: '30d' },
);

describe('Tables that the search path of the session finds', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    // Another application has tables of the same names.
    await database.query(`
      create schema app;
      create table public.note (id int primary key, deleted_at timestamptz);
      create table public.draft (id int primary key, text text);
      insert into public.note values (1, null), (2, now() - interval '90 days');
      insert into public.draft values (1, 'theirs')`);
    orm = await MikroORM.init({
      entities: [Note, Draft, ...complianceEntities()],
      clientUrl: database.url,
      driverOptions: { options: '-c search_path=app' },
      extensions: [softDelete({ purge: { engine: 'external' } })],
    });
    await orm.em.execute(await orm.schema.getCreateSchemaSQL());
  });
  beforeEach(() => database.query('truncate app.note, app.draft'));
  afterAll(async () => {
    await orm.close();
    await database.drop();
  });

  const notes = () => orm.em.fork().getRepository(Note) as unknown as SoftDeleteRepository<{ id: number }>;
  const read = async (from: string) => (await database.query(`select id from ${from} order by id`)).map(({ id }) => id);

  it('are those whose rows are deleted, restored and removed', async () => {
    await database.query('insert into app.note values (1), (2), (3)');

    await notes().softDelete([1, 2]);
    await notes().restore(1);
    await notes().hardDelete(3);

    expect(await read('app.note where deleted_at is null')).toEqual([1]);
    expect(await read('app.note')).toEqual([1, 2]);
    expect(await read('public.note where deleted_at is null')).toEqual([1]);
  });

  it('are those that a purge empties, and that holds and records are in', async () => {
    await database.query(`insert into app.note select n, now() - interval '40 days' from generate_series(1, 3) as n`);
    const { holds, log } = createCompliance(orm);
    await holds.place({ name: 'Case 7', reason: 'a lawsuit', on: [[Note, 3]] });
    const purge = createPurge(orm, { brake: false, pauseBetweenBatches: 0 });

    const { entities } = await purge.status();
    const { total } = await purge.run();

    expect(entities[0]).toMatchObject({ entity: 'Note', table: 'app.note', deleted: 3, due: 3 });
    expect(total).toBe(2);
    expect(await read('app.note')).toEqual([3]);
    expect(await read('public.note')).toEqual([1, 2]);
    expect(await log.find({ entity: Note, action: 'purged' })).toMatchObject([{ count: 2 }]);
  });

  it('are those whose rows are archived and come back', async () => {
    await database.query(`insert into app.draft values (1, 'ours')`);
    const drafts = () => orm.em.fork().getRepository(Draft) as unknown as SoftDeleteRepository<{ id: number }>;

    await drafts().softDelete(1);
    expect(await read('app.draft')).toEqual([]);
    await drafts().restore(1);

    expect(await database.query('select text from app.draft')).toEqual([{ text: 'ours' }]);
    expect(await database.query('select text from public.draft')).toEqual([{ text: 'theirs' }]);
  });

  it('are those that the doctor looks at', async () => {
    const examine = async () =>
      (await new SoftDeleteDoctor(orm).examine()).filter(({ severity }) => severity === 'error');
    await database.query(`alter table public.note rename deleted_at to hidden_at`);
    expect(await examine()).toEqual([]);

    await database.query('alter table app.note rename deleted_at to hidden_at');
    const found = await examine();
    await database.query('alter table app.note rename hidden_at to deleted_at');

    expect(found).toMatchObject([{ entity: 'Note' }]);
  });
});

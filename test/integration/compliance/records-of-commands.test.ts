import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { runCommand, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import type { TestDatabase } from '../../support/database.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { AdminApp, platforms } from '../admin/admin-app.js';

const MODEL = `softDeletable(personalData(defineEntity({ name: 'Person', tableName: 'person', properties: {
  id: p.integer().primary(), name: p.text().nullable(), deletedAt: p.datetime().length(6).nullable(),
} }), { subject: true, fields: { name: null } }), { retention: '1d' })`;

const Person = softDeletable(
  personalData(
    defineEntity({
      name: 'Person',
      tableName: 'person',
      properties: {
        id: p.integer().primary(),
        name: p.text().nullable(),
        deletedAt: p.datetime().length(6).nullable(),
      },
    }),
    { subject: true, fields: { name: null } },
  ),
  { retention: '1d' },
);

const DATA = `
  drop trigger if exists break_it on deletion_record;
  truncate person, deletion_record, legal_hold, legal_hold_row, erasure restart identity cascade;
  insert into person values (1, 'Ada Lovelace', null), (2, 'Bob Babbage', now() - interval '1 hour'), (3, 'Cyd Charisse', now() - interval '1 week')`;

/** What keeps a record from being written. */
const FAULTS: Record<string, string> = {
  'is refused': `raise exception 'the disk is full'`,
  'has its backend killed': 'perform pg_terminate_backend(pg_backend_pid())',
};

interface Door {
  readonly name: string;
  readonly expected: Record<string, number>;
}

/** Registers the tests of doors that answer whether they have done it. */
function recordsEqualEffects<Of extends Door>(
  doors: readonly Of[],
  database: () => TestDatabase,
  open: (door: Of) => Promise<boolean>,
): void {
  const records = async () =>
    Object.fromEntries(
      (
        await database().query(
          `select action || ' ' || entity as name, sum(count)::int as rows from deletion_record group by 1`,
        )
      ).map(({ name, rows }) => [name, rows as number]),
    );
  const state = () =>
    database().query(`
      select 'person' as table, id, name, deleted_at::text as time from person
      union all select 'hold', id, name, released_at::text from legal_hold order by 1, 2`);

  beforeEach(() => database().query(DATA));

  it.each(doors.map((door) => [door.name, door] as const))('of %s that goes well', async (_name, door) => {
    const before = await state();
    expect(await open(door)).toBe(true);
    expect(await records()).toEqual(door.expected);
    expect(await state()).not.toEqual(before);
  });

  it.each(doors.flatMap((door) => Object.keys(FAULTS).map((fault) => [door.name, fault, door] as const)))(
    'of %s whose record %s',
    async (_name, fault, door) => {
      const before = await state();
      await database().query(`
        create or replace function break_it() returns trigger as $$ begin ${FAULTS[fault]!}; return new; end; $$ language plpgsql;
        create trigger break_it before insert on deletion_record for each row execute function break_it()`);
      expect(await open(door)).toBe(false);
      expect([await state(), await records()]).toEqual([before, {}]);
    },
  );
}

describe('records equal effects of the command line', () => {
  let library: CompiledLibrary;
  let test: TestOrm;

  beforeAll(async () => {
    library = compileLibrary();
    test = await createTestOrm([Person, ...complianceEntities()], {}, false);
    writeApplication(
      library,
      `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/compliance-entities.js';
import { personalData } from './lib/compliance/erasure/declaration/personal-data.decorator.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const Person = ${MODEL};
export default defineConfig({ clientUrl: '${test.database.url}', entities: [Person, ...complianceEntities()] });
`,
    );
  });
  afterAll(async () => {
    await test.close();
    library.remove();
  });

  const doors: (Door & { args: string[] })[] = [
    { name: 'restore', args: ['restore', 'Person', '2'], expected: { 'restored Person': 1 } },
    { name: 'purge', args: ['purge'], expected: { 'purged Person': 1 } },
    { name: 'erase', args: ['erase', 'Person', '1'], expected: { 'erased Person': 1 } },
    {
      name: 'hold place',
      args: ['hold', 'place', 'Person', '1', '--name', 'x', '--reason', 'y'],
      expected: { 'held Person': 1 },
    },
  ];
  recordsEqualEffects(
    doors,
    () => test.database,
    async ({ args }) => (await runCommand(library, args)).code === 0,
  );
});

describe('records equal effects of the admin API', () => {
  let app: AdminApp;

  beforeAll(async () => {
    buildAdminPage();
    app = await AdminApp.start(platforms[0]![1], { entities: [Person as never] }, '', undefined, {
      entities: [Person as never, ...complianceEntities()],
    });
  });
  afterAll(() => {
    // The ORM never gets back a connection that the database has ended, and would wait for it.
    void app.app.close();
    return app.database.drop();
  });

  const doors: (Door & { path: string; body: object })[] = [
    { name: 'delete', path: 'entities/Person/delete', body: { keys: ['1'] }, expected: { 'deleted Person': 1 } },
    {
      name: 'restore',
      path: 'entities/Person/restore',
      body: { keys: ['2', '3'] },
      expected: { 'restored Person': 2 },
    },
    {
      name: 'remove',
      path: 'entities/Person/remove',
      body: { keys: ['2'], confirm: '1' },
      expected: { 'hard-deleted Person': 1 },
    },
    {
      name: 'hold',
      path: 'entities/Person/hold',
      body: { keys: ['1'], name: 'x', reason: 'y' },
      expected: { 'held Person': 1 },
    },
    { name: 'purge', path: 'purge', body: { confirm: '1' }, expected: { 'purged Person': 1 } },
  ];
  recordsEqualEffects(
    doors,
    () => app.database,
    async ({ path, body }) => {
      const answer = await app.post(path, body);
      return answer.status < 300 && !/"failed":[1-9]|interrupted/.test(answer.text);
    },
  );
});

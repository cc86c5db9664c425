import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { runCommand, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const config = (url: string, { tenants = '*', options = "{ purge: { schemas: () => ['north', 'south'] } }" } = {}) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/compliance-entities.js';
import { personalData } from './lib/compliance/erasure/declaration/personal-data.decorator.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
import { softDelete } from './lib/soft-delete.extension.js';
const Customer = personalData(softDeletable(defineEntity({ name: 'Customer', tableName: 'customer', schema: '${tenants}', properties: {
  id: p.integer().primary(), name: p.text().nullable(), deletedAt: p.datetime().columnType('timestamptz').nullable() } }), { retention: '30d' }), { subject: true, fields: { name: null } });
export default defineConfig({ clientUrl: '${url}', entities: [Customer, ...complianceEntities(${tenants === '*' ? "{ schema: '*' }" : ''})], extensions: [softDelete(${options})] });
`;
const Customer = personalData(
  softDeletable(
    defineEntity({
      name: 'Customer',
      tableName: 'customer',
      schema: '*',
      properties: {
        id: p.integer().primary(),
        name: p.text().nullable(),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
  ),
  { subject: true, fields: { name: null } },
);
const TENANTS = ['north', 'south'];

describe('soft-delete --schema', () => {
  let library: CompiledLibrary;
  let database: TestDatabase;

  beforeAll(async () => {
    library = compileLibrary();
    database = await createTestDatabase();
    const orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [Customer, ...complianceEntities({ schema: '*' })],
      extensions: [softDelete()],
    });
    for (const schema of TENANTS) {
      await database.query(`create schema ${schema}`);
      await orm.schema.update({ schema });
      for (const sql of complianceTablesSql({ schema, partition: 'month', archive: false })) {
        await database.query(sql);
      }
    }
    await orm.close(true);
  });
  beforeEach(async () => {
    writeApplication(library, config(database.url));
    for (const schema of TENANTS) {
      await database.query(`set session_replication_role = 'replica';
        truncate ${['customer', 'deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'].map((table) => `${schema}.${table}`).join(', ')} restart identity;
        reset session_replication_role;
        insert into ${schema}.customer values (1, 'Ada of ${schema}', null), (2, 'Bob of ${schema}', now() - interval '40 days')`);
    }
  });
  afterAll(async () => {
    await database.drop();
    library.remove();
  });

  const run = (...args: string[]) => runCommand(library, args);
  const json = async (...args: string[]) => {
    const { code, out, err } = await run(...args, '--json');
    return { code, err, lines: out.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : [])) };
  };
  const read = (schema: string, what: string, table: string) =>
    database.query(`select ${what} from ${schema}.${table} order by 1`);
  const hold = ['--name', 'Dispute', '--reason', 'Letter'];

  it('places, lists and releases the holds of one tenant, and tells its records', async () => {
    expect(await run('hold', 'place', 'Customer', '1', ...hold, '--schema', 'north')).toMatchObject({ code: 0 });
    expect(await read('north', 'name', 'legal_hold')).toEqual([{ name: 'Dispute' }]);
    expect(await read('south', 'name', 'legal_hold')).toEqual([]);
    expect((await json('hold', 'list', 'Customer', '1', '--schema', 'north')).lines).toMatchObject([{ id: 1 }]);
    expect((await json('hold', 'list', 'Customer', '1', '--schema', 'south')).lines).toEqual([]);
    expect(await run('hold', 'release', '1', '--reason', 'over', '--schema', 'south')).toMatchObject({ code: 1 });
    expect(await run('hold', 'release', '1', '--reason', 'over', '--schema', 'north')).toMatchObject({ code: 0 });
    const actions = async (schema: string) =>
      (await json('log', 'Customer', '1', '--schema', schema)).lines.map(({ action }) => action);
    expect(await actions('north')).toEqual(['released', 'held']);
    expect(await actions('south')).toEqual([]);
  });

  it('plans and carries out the erasure of one tenant’s person, and lists erasures of one or all', async () => {
    expect((await json('erase', 'Customer', '1', '--plan', '--schema', 'south')).lines).toMatchObject([
      { type: 'plan', outcome: 'completed', subject: { key: 1, schema: 'south' } },
    ]);
    expect(await json('erase', 'Customer', '1', '--schema', 'south')).toMatchObject({ code: 0 });
    expect(await read('north', 'name', 'customer')).toEqual([{ name: 'Ada of north' }, { name: 'Bob of north' }]);
    expect(await read('south', 'id, name', 'customer')).toEqual([
      { id: 1, name: null },
      { id: 2, name: 'Bob of south' },
    ]);
    expect(await json('erase', 'Customer', '2', '--schema', 'north')).toMatchObject({ code: 0 });
    const listed = async (...args: string[]) =>
      (await json('erasures', ...args)).lines.map(({ subject }) => `${subject.schema} ${subject.key}`).toSorted();
    expect(await listed('--schema', 'north')).toEqual(['north 2']);
    expect(await listed()).toEqual(['north 2', 'south 1']);
    expect((await run('erasures')).out.match(/\w+\.Customer +\d/g)).toEqual(['north.Customer  2', 'south.Customer  1']);
    const { lines } = await json('erasures', '--export', '--schema', 'south');
    expect(lines).toMatchObject([{ schema: 'south' }]);
    writeFileSync(join(library.folder, 'ledger.jsonl'), JSON.stringify(lines[0]));
    await database.query(`update south.customer set name = 'Ada of south' where id = 1`);
    expect((await run('erasures', '--reapply', 'ledger.jsonl')).out).toContain('south.Customer  1    erased');
    expect(await read('south', 'name', 'customer')).toEqual([{ name: 'Bob of south' }, { name: null }]);
  });

  it('lists, restores and purges the rows of one tenant', async () => {
    expect((await json('list', 'Customer', '--schema', 'north')).lines).toMatchObject([
      { key: 2, name: 'Bob of north' },
    ]);
    expect(await json('restore', 'Customer', '2', '--schema', 'north')).toMatchObject({
      code: 0,
      lines: [{ total: 1 }],
    });
    const active = (schema: string) => read(schema, 'id, deleted_at is null as active', 'customer');
    expect(await active('north')).toEqual([
      { id: 1, active: true },
      { id: 2, active: true },
    ]);
    await database.query(`update north.customer set deleted_at = now() - interval '40 days' where id = 1`);
    expect((await json('purge', '--schema', 'south')).lines.at(-1)).toMatchObject({ type: 'report', total: 1 });
    expect(await active('north')).toEqual([
      { id: 1, active: false },
      { id: 2, active: true },
    ]);
    expect(await active('south')).toEqual([{ id: 1, active: true }]);
  });

  it('adds the partitions to come of one tenant or of all', async () => {
    const { code, lines } = await json('archive', 'partitions', '--ahead', '5', '--schema', 'north');
    expect([code, lines]).toEqual([
      0,
      [
        {
          type: 'partitions',
          schema: 'north',
          table: 'deletion_record',
          added: [expect.any(String), expect.any(String)],
        },
      ],
    ]);
    expect(lines[0].added[0]).toMatch(/^north\.deletion_record_\d{4}_\d\d$/);
    const all = await run('archive', 'partitions', '--ahead', '5');
    expect(all).toMatchObject({ code: 0 });
    expect(all.out).toMatch(
      /^north\.deletion_record: 0 partitions added\.\nsouth\.deletion_record: 2 partitions added: south\.deletion_record_\d{4}_\d\d, south\.deletion_record_\d{4}_\d\d\.\n$/,
    );
  });

  it('says which schemas there are, where one is none of them', async () => {
    expect(await run('log', 'Customer', '--schema', 'nort')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--schema nort: the database has no such schema. Did you mean north?'),
    });
    expect((await run('hold', 'list', '--schema', 'elsewhere')).err).toContain('There are: north, public, south.');
  });

  it('says that a schema is needed, where each tenant has the tables', async () => {
    for (const args of [
      ['log', 'Customer'],
      ['hold', 'list'],
      ['hold', 'place', 'Customer', '1', ...hold],
      ['hold', 'release', '1', '--reason', 'over'],
      ['erase', 'Customer', '1'],
      ['list', 'Customer'],
      ['restore', 'Customer', '2'],
    ]) {
      const { code, out, err } = await run(...args);
      expect([args, code, out, err]).toEqual([
        args,
        1,
        '',
        expect.stringMatching(/soft-delete: Each tenant has a table \w+ .* --schema tenant_1\.\n/),
      ]);
    }
    writeApplication(library, config(database.url, { options: '' }));
    for (const args of [['erasures'], ['archive', 'partitions']]) {
      const { code, err } = await run(...args);
      expect([args, code, err]).toEqual([args, 1, expect.stringContaining('--schema tenant_1. Or name all of them')]);
      expect(await run(...args, '--schema', 'north')).toMatchObject({ code: 0 });
    }
  });

  it('is refused where no entity lives in schemas of tenants', async () => {
    writeApplication(library, config(database.url, { tenants: 'north' }));
    expect(await run('log', 'Customer', '--schema', 'north')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--schema north: no entity of this configuration lives in the schemas of tenants'),
    });
  });
});

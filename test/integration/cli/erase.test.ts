import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { runCommand, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const config = (url: string) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/compliance-entities.js';
import { personalData } from './lib/compliance/erasure/declaration/personal-data.decorator.js';
const Person = personalData(defineEntity({ name: 'Person', tableName: 'person', properties: { id: p.integer().primary(), name: p.text().nullable() } }), { subject: true, fields: { name: null } });
const Bill = personalData(defineEntity({ name: 'Bill', tableName: 'bill', properties: { id: p.integer().primary(), at: p.datetime(), person: () => p.manyToOne(Person), shipTo: p.text().nullable() } }),
  { of: 'person', fields: { shipTo: null }, keep: { for: '10y', from: 'at', ground: '§147 AO' } });
export default defineConfig({ clientUrl: '${url}', entities: [Person, Bill, ...complianceEntities()] });
`;
const Person = personalData(
  defineEntity({
    name: 'Person',
    tableName: 'person',
    properties: { id: p.integer().primary(), name: p.text().nullable() },
  }),
  { subject: true, fields: { name: null } },
);
const Bill = personalData(
  defineEntity({
    name: 'Bill',
    tableName: 'bill',
    properties: {
      id: p.integer().primary(),
      at: p.datetime(),
      person: () => p.manyToOne(Person),
      shipTo: p.text().nullable(),
    },
  }),
  { of: 'person', fields: { shipTo: null }, keep: { for: '10y', from: 'at', ground: '§147 AO' } },
);

describe('soft-delete erase and erasures', () => {
  let library: CompiledLibrary;
  let test: TestOrm;

  beforeAll(async () => {
    library = compileLibrary();
    test = await createTestOrm([Person, Bill, ...complianceEntities()], {}, false);
    writeApplication(library, config(test.database.url));
  });
  beforeEach(() =>
    test.database.query(`
      truncate person, bill, erasure, deletion_record restart identity cascade;
      insert into person values (1, 'Ada Lovelace'), (2, 'Bob Builder');
      insert into bill values (7, now() - interval '1 year', 1, 'Ada Lovelace, London')`),
  );
  afterAll(async () => {
    await test.close();
    library.remove();
  });

  const run = (...args: string[]) => runCommand(library, args);
  const names = async () =>
    (await test.database.query('select name from person order by id')).map(({ name }) => name as string | null);

  it('plans without a change, erases, and names what is left and why', async () => {
    const plan = await run('erase', 'Person', '1', '--plan');
    expect(plan.code).toBe(2);
    expect(plan.out).toMatch(/left {2}key {2}ground {3}until\nBill {2}7 {4}§147 AO {2}20\d\d-\d\d-\d\d\n/);
    expect(plan.out).toMatch(/Nothing was changed\.\n$/);
    expect(await names()).toEqual(['Ada Lovelace', 'Bob Builder']);
    const { code, out } = await run('erase', 'Person', '1', '--reason', 'letter', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      type: 'certificate',
      outcome: 'partial',
      subject: { entity: 'Person', key: 1 },
    });
    expect(await names()).toEqual([null, 'Bob Builder']);
    expect(await run('erase', 'Person', '2')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/The erasure is completed: 0 columns still show values of the person\.\n$/),
    });
    expect(await names()).toEqual([null, null]);
  });

  it('lists deadlines, and exits with 2 once one is over', async () => {
    await run('erase', 'Person', '2');
    await run('erase', 'Person', '1', '--requested-at', '2020-01-31');
    const all = await run('erasures');
    expect(all.out).toMatch(/Person {2}2 +completed/);
    expect(all.out).toMatch(/Person {2}1 +partial {4}2020-01-31 {2}2020-02-29/);
    expect(
      (await run('erasures', '--due', '--json')).out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ type: 'erasure', state: 'partial', subject: { key: 1 } }]);
    await test.database.query(
      `insert into erasure (entity, key, requested_at, due_at) values ('Person', '["1"]', '2020-01-01', '2020-02-01')`,
    );
    expect(await run('erasures')).toMatchObject({ code: 2, out: expect.stringContaining('2020-02-01 (overdue)') });
  });

  it('exports what a ledger keeps, and erases again whom a backup has brought back', async () => {
    await run('erase', 'Person', '2');
    const { out } = await run('erasures', '--export');
    expect(out).not.toMatch(/Bob|Builder/);
    writeFileSync(join(library.folder, 'ledger.jsonl'), out);
    await test.database.query(`truncate erasure; update person set name = 'Bob Builder' where id = 2`);
    expect(await run('erasures', '--reapply', 'ledger.jsonl')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/Person {2}2 +erased\n1 erasure\.\n$/),
    });
    expect(await names()).toEqual(['Ada Lovelace', null]);
    await test.database.query(`truncate erasure; update person set name = 'Eve Else' where id = 2`);
    expect(await run('erasures', '--reapply', 'ledger.jsonl')).toMatchObject({ code: 2 });
    expect(await names()).toEqual(['Ada Lovelace', 'Eve Else']);
  });

  it.each<[string[], RegExp]>([
    [['erase', 'Person', '99'], /Person.*99|99.*Person/],
    [['erase', 'Nobody', '1'], /Nobody is no entity of this configuration/],
    [['erase', 'Person', 'x'], /"x" is not a key of Person/],
    [['erasures', '--reapply', 'missing.jsonl'], /--reapply: missing\.jsonl cannot be read/],
  ])('%j is refused with 1 and one clear line', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(await names()).toEqual(['Ada Lovelace', 'Bob Builder']);
  });
});

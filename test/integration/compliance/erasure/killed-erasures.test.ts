import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { createCompliance, ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { environmentOf } from '../../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../../support/compiled-library.js';
import { useErasures } from './use-erasures.js';

const PEOPLE = 120;
const KILLS = Number(process.env['ERASURE_KILLS'] ?? 6);

const Person = personalData(
  defineEntity({
    name: 'Person',
    tableName: 'person',
    properties: { id: p.integer().primary(), name: p.text().nullable() },
  }),
  { subject: true, fields: { name: null } },
);
const Note = personalData(
  defineEntity({
    name: 'Note',
    tableName: 'note',
    properties: {
      id: p.integer().primary(),
      person: () => p.manyToOne(Person).index(),
      body: p.text().nullable(),
    },
  }),
  { of: 'person', fields: { body: null } },
);

/**
 * The same two in a process of its own, which carries out what there is to do. Its ledger is a file. It says where it is: `handler` in the
 * transaction of an erasure, `ledger` after it. There it waits forever if it is told to.
 */
const WORKER = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { complianceEntities, createCompliance, personalData } from './lib/compliance/index.js';
import { softDelete } from './lib/soft-delete.extension.js';
const [, , clientUrl, ledger, stopsAt] = process.argv;
const Person = personalData(defineEntity({ name: 'Person', tableName: 'person', properties: { id: p.integer().primary(), name: p.text().nullable() } }), { subject: true, fields: { name: null } });
const Note = personalData(defineEntity({ name: 'Note', tableName: 'note', properties: { id: p.integer().primary(), person: () => p.manyToOne(Person).index(), body: p.text().nullable() } }), { of: 'person', fields: { body: null } });
const at = async (place) => {
  console.log(place);
  await sleep(place === stopsAt ? 2 ** 30 : 3);
};
const orm = await MikroORM.init({ clientUrl, entities: [Person, Note, ...complianceEntities()], extensions: [softDelete()] });
const { erasures } = createCompliance(orm, {
  erasure: {
    ledger: async ({ id }) => {
      appendFileSync(ledger, id + '\\n');
      await at('ledger');
    },
  },
});
erasures.onErase(Person, () => at('handler'));
await erasures.run();
await orm.close();
`;

describe(`${ErasureService.name} in a process that is killed`, () => {
  const test = useErasures([Person, Note]);
  let library: CompiledLibrary;
  let ledger: string;

  beforeAll(() => {
    library = compileLibrary();
    ledger = join(library.folder, 'ledger');
    writeFileSync(join(library.folder, 'worker.js'), WORKER);
  });
  afterAll(() => library.remove());
  beforeEach(() => writeFileSync(ledger, ''));

  const plant = async (people: number) => {
    await test.rows(`
      insert into person select n, 'Person ' || n || ' of the list' from generate_series(1, ${people}) as n;
      insert into note select n, 1 + n % ${people}, 'Letter number ' || n || ' to somebody' from generate_series(1, ${people * 2}) as n`);
    for (let id = 1; id <= people; id++) {
      await test.erasures.request(Person, id);
    }
  };
  const start = (stopsAt = '') => {
    const child = spawn(process.execPath, [join(library.folder, 'worker.js'), test.database.url, ledger, stopsAt], {
      cwd: library.folder,
      env: environmentOf(library),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return { child, places: createInterface(child.stdout!)[Symbol.asyncIterator]() };
  };
  const kill = async (child: ChildProcess) => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  const told = () =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  const write = ({ id }: { readonly id: number }) => writeFileSync(ledger, `${id}\n`, { flag: 'a' });
  const answering = () => createCompliance(test.orm, { erasure: { ledger: write } }).erasures;
  const people = () =>
    test.rows(`
      select p.id, p.name is null as gone, (select count(n.body)::int from note as n where n.person_id = p.id) as left,
        e.outcome, e.ledger
      from person as p join erasure as e on e.key = to_json(array[p.id::text])::jsonb order by p.id`);
  const sessionsOfOthers = async () =>
    (
      await test.rows(`select from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start is not null`)
    ).length;

  it('has erased nothing while a handler was at work, and another process does it all', async () => {
    await plant(1);
    const { child, places } = start('handler');
    expect((await places.next()).value).toBe('handler');
    await kill(child);
    while ((await sessionsOfOthers()) > 0) {
      await sleep(10);
    }
    expect([await people(), told()]).toEqual([[{ id: 1, gone: false, left: 2, outcome: null, ledger: null }], []]);

    expect(await answering().run()).toMatchObject([{ outcome: 'completed' }]);
    expect([await people(), told()]).toEqual([
      [{ id: 1, gone: true, left: 0, outcome: 'completed', ledger: 'told' }],
      [1],
    ]);
  });

  it('has erased everything while the ledger was asked, which another process does again once nobody waits for it', async () => {
    await plant(1);
    const { child, places } = start('ledger');
    expect([(await places.next()).value, (await places.next()).value]).toEqual(['handler', 'ledger']);
    await kill(child);
    const owed = [{ id: 1, gone: true, left: 0, outcome: 'completed', ledger: 'owed' }];
    expect([await people(), told()]).toEqual([owed, [1]]);
    expect(await test.erasures.status()).toMatchObject({ owed: 1 });
    await answering().run();
    expect([await people(), told()]).toEqual([owed, [1]]);

    await test.rows(`update erasure set ledger_asked_at = ledger_asked_at - interval '11 minutes'`);
    await answering().run();
    expect([await people(), told()]).toEqual([[{ ...owed[0], ledger: 'told' }], [1, 1]]);
  });

  it(`leaves each person erased or as before, and tells of no other, ${KILLS} times`, async () => {
    await plant(PEOPLE);
    for (let kills = 0; kills < KILLS; kills += 2) {
      await Promise.all(
        [start(), start()].map(async ({ child, places }) => {
          for (let steps = 2 + Math.floor(Math.random() * 20); steps > 0 && !(await places.next()).done; steps--);
          await sleep(Math.random() * 10);
          await kill(child);
        }),
      );
      const done: number[] = [];
      for (const { id, ...person } of await people()) {
        const isDone = person.outcome !== null;
        expect({ id, ...person }).toEqual(
          isDone
            ? { id, gone: true, left: 0, outcome: 'completed', ledger: expect.stringMatching(/^(owed|told)$/) }
            : { id, gone: false, left: 2, outcome: null, ledger: null },
        );
        if (isDone) {
          done.push(id);
        }
      }
      expect(done.length).toBeGreaterThan(0);
      expect(done).toEqual(expect.arrayContaining(told()));
    }

    await test.rows(`update erasure set ledger_asked_at = ledger_asked_at - interval '11 minutes'`);
    await answering().run();
    expect(await people()).toEqual(
      Array.from({ length: PEOPLE }, (_, i) => ({
        id: i + 1,
        gone: true,
        left: 0,
        outcome: 'completed',
        ledger: 'told',
      })),
    );
    expect(new Set(told()).size).toBe(PEOPLE);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { environmentOf, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const config = (url: string) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const User = softDeletable(defineEntity({
  name: 'User', tableName: 'user',
  properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
}), { retention: '30d' });
export default defineConfig({ clientUrl: '${url}', entities: [User] });
`;
const User = softDeletable(
  defineEntity({
    name: 'User',
    tableName: 'user',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);

describe('soft-delete, when it is told to end', () => {
  const rows = 5_000;
  let library: CompiledLibrary;
  let test: TestOrm;
  let child: ChildProcess;
  let [out, err] = ['', ''];

  beforeAll(() => {
    library = compileLibrary();
  });
  afterAll(() => library.remove());

  beforeEach(async () => {
    test = await createTestOrm([User], {}, false);
    await test.database.query(
      `insert into "user" select n, now() - interval '40 days' from generate_series(1, ${rows}) as n; analyze "user"`,
    );
    writeApplication(library, config(test.database.url));
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await test.close();
  });

  const start = (...args: string[]): Promise<[code: number | null, signal: NodeJS.Signals | null]> => {
    [out, err] = ['', ''];
    child = spawn(process.execPath, [join(library.folder, 'lib/cli/main.js'), ...args], {
      cwd: library.folder,
      env: { ...environmentOf(library), PGAPPNAME: 'interrupted' },
    });
    child.stdout!.on('data', (data) => (out += data));
    child.stderr!.on('data', (data) => (err += data));
    return once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  };

  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await isSo())) {
      await setTimeout(20);
    }
  };

  const count = async (sql: string): Promise<number> =>
    Number((await test.database.query<{ count: string }>(`select count(*) from ${sql}`))[0]!.count);

  const sessions = (condition = 'true') =>
    count(`pg_stat_activity where application_name = 'interrupted' and ${condition}`);

  /** What happens at the end of each statement that removes rows. */
  const onDelete = (body: string) =>
    test.database.query(`
      create function on_delete() returns trigger language plpgsql as $$ begin ${body} return null; end $$;
      create trigger on_delete after delete on "user" for each statement execute function on_delete()`);

  it.each(['SIGINT', 'SIGTERM'] as const)('ends a purge after the batch under way: %s', async (signal) => {
    await onDelete('perform pg_sleep(0.1);');
    const ended = start('purge', '--json', '--override-brake');
    await until(() => out.includes('progress'));
    child.kill(signal);
    expect(await ended).toEqual([1, null]);
    expect(err).toContain('Ending after the batch under way. Ctrl-C again ends at once.\n');
    const report = JSON.parse(out.trim().split('\n').at(-1)!);
    expect(report).toMatchObject({ type: 'report', outcome: 'aborted', isFinished: false });
    expect(report.total).toBeGreaterThan(0);
    expect(await count('"user"')).toBe(rows - report.total);
    await until(async () => (await sessions()) === 0);
  });

  it.each([
    ['SIGINT', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('ends a purge at once when it is told twice: %s, %s', async (first, second) => {
    await onDelete(
      'loop begin perform pg_sleep(600); exception when query_canceled then raise notice $n$again$n$; end; end loop;',
    );
    const ended = start('purge', '--override-brake');
    await until(async () => (await sessions(`wait_event = 'PgSleep'`)) === 1);
    child.kill(first);
    await until(() => err.includes('Ctrl-C again'));
    child.kill(second);
    expect(await ended).toEqual([null, second]);
    await test.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'interrupted'`,
    );
    await until(async () => (await sessions()) === 0);
    expect(await count('"user"')).toBe(rows);
  });

  it.each(['list', 'restore', 'doctor'])('ends other commands at the first signal: %s', async (command) => {
    const blocker = test.orm.em.fork();
    await blocker.begin();
    await blocker.execute('lock table "user" in access exclusive mode');
    const ended = start(command, ...(command === 'doctor' ? [] : ['User']), ...(command === 'restore' ? ['1'] : []));
    await until(async () => (await sessions(`wait_event_type = 'Lock'`)) > 0);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await blocker.rollback();
    expect(await count('"user" where deleted_at is not null')).toBe(rows);
  });

  it('does not call a number complete that it had no time for', async () => {
    const blocker = test.orm.em.fork();
    await blocker.begin();
    await blocker.execute('lock table "user" in access exclusive mode');
    const ended = start('purge', '--dry-run');
    await until(async () => (await sessions(`wait_event_type = 'Lock'`)) > 0);
    child.kill('SIGINT');
    await until(() => err.includes('Ctrl-C again'));
    await blocker.rollback();
    expect(await ended).toEqual([1, null]);
    expect(out).toMatch(/At least \d+ rows? would be removed \(aborted\)\. Nothing was changed\./);
  });
});

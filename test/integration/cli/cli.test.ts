import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const schema = (name: string, references = '') => `softDeletable(defineEntity({
  name: '${name}', tableName: '${name.toLowerCase()}',
  properties: { id: p.integer().primary(), ${references} deletedAt: p.datetime().columnType('timestamptz').nullable() },
}), { retention: '30d' })`;
const config = (url: string) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const User = ${schema('User')};
const Post = ${schema('Post', 'user: () => p.manyToOne(User).index(),')};
export default defineConfig({ clientUrl: '${url}', entities: [User, Post] });
`;
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const User = softDeletable(
  defineEntity({ name: 'User', tableName: 'user', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const Post = softDeletable(
  defineEntity({
    name: 'Post',
    tableName: 'post',
    properties: { id: p.integer().primary(), user: () => p.manyToOne(User).index(), deletedAt: deletedAt() },
  }),
);

describe('soft-delete', () => {
  let library: CompiledLibrary;
  let test: TestOrm;

  beforeAll(() => {
    library = compileLibrary();
  });
  afterAll(() => library.remove());

  beforeEach(async () => {
    test = await createTestOrm([User, Post], {}, false);
    await test.database.query(`
      insert into "user" select n, now() - interval '40 days' from generate_series(1, 3) as n;
      insert into post values (1, 1, now() - interval '40 days');
    `);
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), config(test.database.url));
    writeFileSync(
      join(library.folder, 'package.json'),
      JSON.stringify({
        type: 'module',
        dependencies: { '@mikro-orm/cli': '*' },
        'mikro-orm': { configPaths: ['./mikro-orm.config.js'] },
      }),
    );
  });
  afterEach(() => test.close());

  const run = (...args: string[]) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const child = spawn(process.execPath, [join(library.folder, 'lib/cli/main.js'), ...args], {
        cwd: library.folder,
        env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(library.folder, 'cache') },
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (data) => (out += data));
      child.stderr.on('data', (data) => (err += data));
      child.on('close', (code) => resolve({ code, out, err }));
    });
  const users = async () =>
    (await test.database.query<{ id: number }>('select id from "user" order by id')).map(({ id }) => id);

  it('says what will hurt, and fails on errors', async () => {
    const healthy = await run('doctor', '--json');
    expect(healthy.code).toBe(0);
    await test.database.query('alter table post alter column deleted_at type date');
    const { code, out } = await run('doctor', '--json');
    expect(code).toBe(1);
    const findings = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(findings).toContainEqual(
      expect.objectContaining({ type: 'finding', code: 'column-type', severity: 'error', entity: 'Post' }),
    );
    expect((await run('doctor')).out).toMatch(/^error column-type Post\n {2}\S/);
  });

  it('prints the deletion policy, for people and for programs', async () => {
    const { code, out } = await run('policy', '--retention', '7d');
    expect(code).toBe(0);
    expect(out).toContain('| Post | `post` | sets `deleted_at` | 30 days | – | – |');
    const [post] = (await run('policy', '--json')).out.split('\n').map((line) => line && JSON.parse(line));
    expect(post).toMatchObject({ type: 'policy', entity: 'Post', strategy: 'soft', retention: 2_592_000_000 });
  });

  it('purges with the configuration that the mikro-orm command finds', async () => {
    await expect(run('purge', '--dry-run')).resolves.toEqual({
      code: 0,
      err: '',
      out: 'Post: 1 to remove\nUser: 3 to remove\n4 rows would be removed. Nothing was changed.\n',
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);

    const { code, out, err } = await run('purge', '--entity', 'Post', 'User', '--time-budget', '1m');

    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Post: 1 removed\nUser: 3 removed\n4 rows removed in [\d.]+ s \(completed\)\.\n$/);
    await expect(users()).resolves.toEqual([]);
  });

  it('exits with 2 if something is blocked, and says by what', async () => {
    await test.database.query('update post set deleted_at = null');

    const { code, out } = await run('purge', '--json');

    expect(code).toBe(2);
    const report = JSON.parse(out.trim().split('\n').at(-1)!);
    expect(report).toMatchObject({
      type: 'report',
      outcome: 'completed',
      total: 2,
      entities: [
        { entity: 'Post', purged: 0 },
        { entity: 'User', purged: 2, blocked: 1, blockedBy: [{ table: 'post', constraint: 'post_user_id_foreign' }] },
      ],
    });
    await expect(run('status')).resolves.toMatchObject({
      code: 2,
      out: 'Post: 0 deleted (kept for 30 days), 0 due\nUser: 1 deleted (kept for 30 days), 1 due, 1 blocked\n',
    });
  });

  it('exits with 1 and one clear line for what cannot work', async () => {
    const [flag, duration, entity, file] = await Promise.all([
      run('purge', '--fast'),
      run('purge', '--older-than', 'soon'),
      run('purge', '--entity', 'Nobody'),
      run('status', '--config', 'elsewhere.js'),
    ]);
    expect(flag).toEqual({ code: 1, out: '', err: "error: unknown option '--fast'\n" });
    expect(duration).toEqual({
      code: 1,
      out: '',
      err: `soft-delete: olderThan: "soon" is not a duration. Write milliseconds as a number, or text such as '30d', '12h' or '15m'.\n`,
    });
    expect(entity).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^soft-delete: Nobody is not an entity of this ORM\.[^\n]*\n$/),
    });
    expect(file).toEqual({ code: 1, out: '', err: 'soft-delete: There is no file elsewhere.js.\n' });
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), config('postgresql://postgres@127.0.0.1:1/none'));
    await expect(run('purge')).resolves.toEqual({
      code: 1,
      out: '',
      err: 'soft-delete: The database cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n',
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);
  });

  it.each([
    ['purge', '--older-than'],
    ['purge', '--time-budget'],
    ['policy', '--retention'],
    ['doctor', '--retention'],
  ])('refuses a length of time without a unit: %s %s 90', async (command, flag) => {
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), config(test.database.url));
    await expect(run(command, flag, '90')).resolves.toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(`"90" has no unit. Write what it counts, such as '90d' for days`),
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);
  });
});

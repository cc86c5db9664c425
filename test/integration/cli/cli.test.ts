import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { runCommand, runShell, writeApplication } from '../../support/command.js';
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
    writeApplication(library, config(test.database.url));
  });
  afterEach(() => test.close());

  let environment: NodeJS.ProcessEnv = {};
  const run = (...args: string[]) => runCommand(library, args, environment);
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

  it('prints JSON alone to programs, whatever the configuration and the ORM print', async () => {
    const noise = `console.log('hello'); console.info('from'); console.debug('the configuration');`;
    writeApplication(
      library,
      config(test.database.url)
        .replace('export default', `${noise} export default`)
        .replace('clientUrl', 'debug: true, clientUrl'),
    );
    const { code, out, err } = await run('status', '--json');
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['status', 'status']);
    expect(err).toContain('hello');
    expect((await run('status')).out).toContain('hello');
  });

  it.each(['', '--json'])('goes on where nobody reads the rest of its output %s', async (flag) => {
    await test.database.query(
      `insert into "user" select n, now() - interval '1 day' from generate_series(10, 9000) as n`,
    );
    const command = `"${process.execPath}" lib/cli/main.js list User --limit 9000 ${flag} | head -1; echo "code \${PIPESTATUS[0]}"`;
    const { out, err } = await runShell(library, command);
    expect(out.trim().split('\n')).toEqual([expect.stringMatching(flag ? /^{/ : /key/), 'code 0']);
    expect(err).not.toContain('EPIPE');
  });

  it('purges with the configuration that the mikro-orm command finds', async () => {
    await expect(run('purge', '--dry-run')).resolves.toEqual({
      code: 0,
      err: 'Configuration: ./mikro-orm.config.js\n',
      out: [
        'entity  to remove  blocked  failed  locked  held',
        'Post            1        0       0       0     0',
        'User            3        0       0       0     0',
        '4 rows would be removed. Nothing was changed.',
        '',
      ].join('\n'),
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);

    const { code, out, err } = await run('purge', '--entity', 'Post', 'User', '--time-budget', '1m');

    expect([code, err]).toEqual([0, 'Configuration: ./mikro-orm.config.js\n']);
    expect(out).toMatch(
      /^entity  removed .*\nPost {10}1 .*\nUser {10}3 .*\n4 rows removed in [\d.]+ s \(completed\)\.\n$/,
    );
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
      out: expect.stringMatching(
        /^entity  kept     deleted  due  blocked  overdue by\nPost    30 days        0    0        0  –\nUser    30 days        1    1        1  –\n$/,
      ),
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
      err: `soft-delete: --older-than: "soon" is not a duration. Write milliseconds as a number, or text such as '30d', '12h' or '15m'.\n`,
    });
    expect(entity).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^Configuration: [^\n]*\nsoft-delete: Nobody is not a soft-deletable entity of this configuration\. There are: Post, User\.\n$/,
      ),
    });
    expect(file).toEqual({ code: 1, out: '', err: 'soft-delete: There is no file elsewhere.js.\n' });
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), config('postgresql://postgres@127.0.0.1:1/none'));
    await expect(run('purge')).resolves.toEqual({
      code: 1,
      out: '',
      err: 'soft-delete: The database of ./mikro-orm.config.js cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n',
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);
  });

  it.each([
    ['purge', '--older-than'],
    ['purge', '--time-budget'],
    ['policy', '--retention'],
    ['doctor', '--retention'],
  ])('refuses a length of time without a unit: %s %s 90', async (command, flag) => {
    writeApplication(library, config(test.database.url));
    await expect(run(command, flag, '90')).resolves.toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(`"90" has no unit. Write what it counts, such as '90d' for days`),
    });
    await expect(users()).resolves.toEqual([1, 2, 3]);
  });

  it('lists deleted rows, the latest first', async () => {
    await test.database.query(`update "user" set deleted_at = '2026-01-02T03:04:05.678Z' where id = 2`);
    await test.database.query(`update "user" set deleted_at = null where id = 3`);

    const { code, out } = await run('list', 'User', '--json');
    const rows = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(code).toBe(0);
    expect(rows.map(({ type, entity, key }) => [type, entity, key])).toEqual([
      ['row', 'User', 1],
      ['row', 'User', 2],
    ]);
    expect((await run('list', 'User', '--limit', '1')).out).toMatch(
      /^key  deletedAt\n  1  \S+Z\n1 of 2 deleted rows\.\n$/,
    );
    await expect(run('list', 'User', '--limit', 'many')).resolves.toMatchObject({ code: 1, out: '' });
    await expect(run('list', 'Usr')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean User?'),
    });
  });

  it('restores what was deleted, and says before what stands in the way', async () => {
    const before = await test.database.query('select id, deleted_at from "user" order by id');
    await expect(run('restore', 'User', '1', '2', '--dry-run')).resolves.toMatchObject({
      code: 0,
      out: 'entity  rows\nUser       2\n2 rows would come back. Nothing was changed.\n',
    });
    expect(await test.database.query('select id, deleted_at from "user" order by id')).toEqual(before);

    await expect(run('restore', 'User', '1', '2')).resolves.toMatchObject({
      code: 0,
      out: 'entity  rows\nUser       2\n2 rows restored.\n',
    });
    expect(await test.database.query('select id from "user" where deleted_at is null order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    await expect(run('restore', 'User', 'one')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('"one" is not a key of User, which is a number.'),
    });
    await expect(run('restore', 'User', '99')).resolves.toMatchObject({
      code: 0,
      out: 'No deleted row has such a key. Nothing was changed.\n',
    });
  });

  it('exits with 2 and restores nothing where something stands in the way', async () => {
    await test.database.query('create unique index user_single on "user" ((1)) where deleted_at is null');
    for (const flags of [['--dry-run'], []]) {
      const { code, out } = await run('restore', 'User', '1', '2', ...flags, '--json');
      expect([code, JSON.parse(out)]).toEqual([
        2,
        expect.objectContaining({ type: 'restoration', dryRun: flags.length > 0, conflicts: expect.anything() }),
      ]);
      expect(JSON.parse(out).conflicts.length).toBeGreaterThan(0);
      expect(await test.database.query('select id from "user" where deleted_at is null')).toEqual([]);
    }
    expect((await run('restore', 'User', '1', '2')).out).toContain('Nothing was restored.\n');
  });

  it('purges all but the entities that are spared', async () => {
    await test.database.query('delete from post');
    await expect(run('purge', '--except', 'Usr')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean User?'),
    });
    await expect(run('purge', '--except', 'User')).resolves.toMatchObject({ code: 0 });
    await expect(users()).resolves.toEqual([1, 2, 3]);
    const both = run('purge', '--entity', 'User', 'Post', '--except', 'User', '--json');
    await expect(both.then(({ out }) => JSON.parse(out.trim().split('\n').at(-1)!).entities)).resolves.toMatchObject([
      { entity: 'Post' },
    ]);
    await expect(users()).resolves.toEqual([1, 2, 3]);
    await expect(run('purge', '--entity', 'Post', '--except', 'Post')).resolves.toMatchObject({ code: 0 });
    await expect(users()).resolves.toEqual([1, 2, 3]);
    await expect(run('purge', '--entity', 'User', '--except', 'Post')).resolves.toMatchObject({ code: 0 });
    await expect(users()).resolves.toEqual([]);
  });

  it('takes the retention of the application by a flag', async () => {
    await expect(run('purge', '--retention', 'forever')).resolves.toMatchObject({ code: 0 });
    await expect(users()).resolves.toEqual([]);
  });

  it('keeps the committed policy in step, and draws it, without a database', async () => {
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), config('postgresql://postgres@127.0.0.1:1/none'));
    const file = join(library.folder, 'DELETION_POLICY.md');
    await expect(run('policy', '--check')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining(
        'There is no file DELETION_POLICY.md. Write it: soft-delete policy > DELETION_POLICY.md',
      ),
    });
    writeFileSync(file, (await run('policy')).out);
    await expect(run('policy', '--check')).resolves.toMatchObject({
      code: 0,
      out: 'DELETION_POLICY.md is up to date.\n',
    });
    writeFileSync(file, `${(await run('policy')).out}more\n`);
    await expect(run('policy', '--check')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('is out of date from line'),
    });
    expect((await run('policy', '--mermaid')).out).toBe(
      'flowchart LR\n  Post["Post"]\n  User["User"]\n  User -.->|"user: keep"| Post\n',
    );
  });

  it('fails on warnings where it is asked to', async () => {
    await test.database.query('drop index post_user_id_index');
    await expect(run('doctor')).resolves.toMatchObject({ code: 0 });
    await expect(run('doctor', '--fail-on', 'warning')).resolves.toMatchObject({ code: 1 });
    await expect(run('doctor', '--fail-on', 'never')).resolves.toMatchObject({ code: 1, out: '' });
  });

  it('takes a TypeScript configuration before a JavaScript one, as the mikro-orm command does, and names it', async () => {
    writeFileSync(join(library.folder, 'mikro-orm.config.ts'), config(test.database.url));
    writeFileSync(join(library.folder, 'mikro-orm.config.js'), 'throw new Error("stale");');
    writeFileSync(
      join(library.folder, 'package.json'),
      JSON.stringify({ type: 'module', version: '1.2.3', dependencies: { '@mikro-orm/cli': '*' } }),
    );
    // Node strips no types below node_modules, where this library is compiled to: which file it took shows in what it says of it.
    environment = { MIKRO_ORM_CLI_PREFER_TS: '1' };
    try {
      await expect(run('status')).resolves.toMatchObject({
        code: 1,
        err: expect.stringMatching(
          /The MikroORM configuration \.\/mikro-orm\.config\.ts does not work: Stripping types/,
        ),
      });
    } finally {
      environment = {};
      rmSync(join(library.folder, 'mikro-orm.config.ts'));
    }
  });

  it('says its version, and explains each command with examples and exit codes', async () => {
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const command of ['list', 'restore', 'purge', 'status', 'doctor', 'policy']) {
      const { code, out } = await run(command, '--help');
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`Examples:\n  soft-delete ${command}[^]*\nExits with:\n  0  `));
    }
    await expect(run('purg')).resolves.toMatchObject({ code: 1, err: expect.stringContaining('Did you mean purge?') });
  });

  it('creates the partitions to come of tables that have some, and says where there are none', async () => {
    writeFileSync(
      join(library.folder, 'mikro-orm.config.js'),
      `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/index.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const User = ${schema('User')};
export default defineConfig({ clientUrl: '${test.database.url}', entities: [User, ...complianceEntities()] });`,
    );
    await test.database.query(`
      create table deletion_record (at timestamptz, id bigint, primary key (at, id));
      create table deletion_archive (part text, key text, unit timestamptz, primary key (part, key, unit));
      create table legal_hold (id int); create table legal_hold_row (id int); create table erasure (id int)`);
    const without = await run('archive', 'partitions');
    expect([without.code, without.err]).toEqual([
      1,
      expect.stringContaining("complianceTablesSql({ partition: 'month' })"),
    ]);
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await test.database.query(sql);
    }
    const more = await run('archive', 'partitions', '--ahead', '4');
    expect(more.out).toMatch(/^deletion_record: 1 partition added: deletion_record_\d{4}_\d\d\.\ndeletion_archive: 1 /);
    expect(JSON.parse((await run('archive', 'partitions', '--json')).out.split('\n')[1]!)).toEqual({
      type: 'partitions',
      table: 'deletion_archive',
      added: [],
    });
    expect((await run('archive', 'partition')).err).toContain('partitions');
    expect((await run('archive', 'partitions', '--ahead', 'x')).code).toBe(1);
  });
});

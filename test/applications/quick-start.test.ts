import { execFile, type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { readmeCommands, readmeFiles } from '../support/readme.js';
import { environmentOfNpm } from './support/environment-of-npm.js';
import { freePort } from '../../scripts/postgres/free-port.mjs';

const HEADING = '## Quick start';
const START = 'npx tsx main.ts';
const bash = promisify(execFile);

/** What the README tells a newcomer, command by command in an empty folder, with the packed package in place of the published one. */
describe("The README's quick start", () => {
  let folder: string;
  let database: TestDatabase;
  let address: string;
  let env: NodeJS.ProcessEnv;
  let server: ChildProcess | undefined;
  const answers: Record<string, string> = {};
  let log = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-quick-start-'));
    database = await createTestDatabase();
    const port = await freePort();
    address = `http://localhost:${port}`;
    env = { ...environmentOfNpm(), PORT: String(port), NO_COLOR: '1' };
    for (const { file, text } of readmeFiles(HEADING)) {
      writeFileSync(join(folder, file), text);
    }
    for (const command of readmeCommands(HEADING)) {
      await follow(command);
    }
  }, 240_000);

  afterAll(async () => {
    if (server) {
      // The application is a grandchild, which nobody passes signals on to.
      const closed = once(server, 'close');
      process.kill(-server.pid!, 'SIGTERM');
      await closed;
    }
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function follow(command: string): Promise<void> {
    if (command.startsWith('export DATABASE_URL=')) {
      env['DATABASE_URL'] = database.url;
    } else if (command === START) {
      server = spawn('bash', ['-c', command], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      server.stdout!.on('data', (chunk) => (log += chunk));
      server.stderr!.on('data', (chunk) => (log += chunk));
      await untilItAnswers();
    } else {
      const packed = command
        .replace(/(npm install )nestjs-mikro-orm-soft-delete/, `$1${tarball()}`)
        .replace('http://localhost:3000', address)
        .replace(/^curl /, 'curl -sS ');
      const { stdout } = await bash('bash', ['-c', packed], { cwd: folder, env }).catch((error) => {
        throw new Error(`${command} failed:\n${error.stdout}\n${error.stderr}\n${log}`);
      });
      answers[command] = answers[command] === undefined ? stdout : `${answers[command]}\n${stdout}`;
    }
  }

  async function untilItAnswers(): Promise<void> {
    for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      if (await fetch(address).catch(() => undefined)) {
        return;
      }
      if (server!.exitCode !== null || Date.now() > end) {
        throw new Error(`The application does not answer:\n${log}`);
      }
    }
  }

  const answer = (command: string) => answers[command]!.split('\n').map((text) => JSON.parse(text));

  it('writes a migration with the column and the partial indexes', () => {
    const [file] = readdirSync(join(folder, 'migrations')).filter((name) => name.endsWith('.ts'));
    const migration = readFileSync(join(folder, 'migrations', file!), 'utf8');
    expect(migration).toMatch(/"deleted_at" timestamptz null/);
    expect(migration).toMatch(/create unique index \S+ on "user" \("email"\) where "deleted_at" is null/);
    expect(migration).toMatch(/create index \S+ on "user" \("deleted_at", "id"\) where "deleted_at" is not null/);
  });

  it('says at its start what is kept how long', () => {
    expect(log).toContain('User 30d; purge at 0 3 * * *');
    expect(log).not.toMatch(/WARN|ERROR/);
  });

  it('deletes the first row and restores it', async () => {
    expect(answer('curl -X DELETE http://localhost:3000/users/1')).toMatchObject([{ affected: { User: 1 }, total: 1 }]);
    expect(answer('curl -X POST http://localhost:3000/users/1/restore')).toMatchObject([{ affected: { User: 1 } }]);
    expect(answer('curl http://localhost:3000/users')).toMatchObject([[], [{ id: 1, email: 'ada@example.com' }]]);
    expect(answers['npx soft-delete list User']).toContain('0 deleted rows');
    expect(await database.query('select id, email, deleted_at from "user"')).toEqual([
      { id: 1, email: 'ada@example.com', deleted_at: null },
    ]);
  });
});

/** The package as the setup has packed it. */
function tarball(): string {
  const folder = process.env['SOFT_DELETE_APPLICATIONS']!;
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  return join(folder, file!);
}

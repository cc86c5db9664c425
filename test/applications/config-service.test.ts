import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { snippetBelow } from '../support/snippets.js';
import { environmentOfNpm } from './support/environment-of-npm.js';

const run = promisify(execFile);
const source = fileURLToPath(new URL('config-service', import.meta.url));

/** The documentation's recipe, compiled and run with the `ConfigService` of `@nestjs/config`. */
describe('Options from a ConfigService', () => {
  let folder: string;
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    folder = join(process.env['SOFT_DELETE_APPLICATIONS']!, 'config-service');
    mkdirSync(folder);
    cpSync(source, join(folder, 'src'), { recursive: true });
    writeFileSync(
      join(folder, 'src/soft-deletion.ts'),
      snippetBelow('docs/recipes.md', '## `forRootAsync` with `ConfigService`'),
    );
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    // Its peers are in the folder above.
    await run('npm', ['install', '--legacy-peer-deps', '@nestjs/config@12.0.1'], {
      cwd: folder,
      env: environmentOfNpm(),
    });
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false']).catch(({ stdout }) => {
      throw new Error(`The recipe does not compile:\n${stdout}`);
    });
  }, 240_000);
  afterAll(() => database.drop());

  const start = async (env: Record<string, string>): Promise<string> => {
    const { stdout, stderr } = await run(process.execPath, [join(folder, 'dist/main.js')], {
      cwd: folder,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', DATABASE_URL: database.url, ...env },
    }).catch((failure) => failure as { stdout: string; stderr: string });
    return `${stdout}${stderr}`;
  };

  it('are taken at the start', async () => {
    expect(await start({ RETENTION: '90d', PURGE_CRON: '0 4 * * *' })).toContain('User 90d; purge at 0 4 * * *');
    expect(await start({ RETENTION: '30d' })).toMatch(/WARN.*User 30d/);
  });

  it('are taken from a file .env as well', async () => {
    writeFileSync(join(folder, '.env'), 'RETENTION=7d\nPURGE_CRON=0 5 * * *\n');
    expect(await start({})).toContain('User 7d; purge at 0 5 * * *');
    writeFileSync(join(folder, '.env'), '');
  });

  it('keep the application from starting where they are missing or cannot work', async () => {
    expect(await start({})).toContain('Configuration key "RETENTION" does not exist');
    expect(await start({ RETENTION: '90' })).toMatch(/SoftDeleteConfigError: purge\.retention: "90"/);
  });
});

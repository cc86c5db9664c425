import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const entities = `
import { defineEntity, p } from '@mikro-orm/postgresql';
import { activeUnique, softDeletable } from './lib/index.js';
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
export const User = softDeletable(defineEntity({
  name: 'User', tableName: 'member',
  properties: { id: p.integer().primary(), email: p.string(), deletedAt: deletedAt(), posts: () => p.oneToMany(Post).mappedBy('user') },
}), { relations: { posts: 'cascade' } });
activeUnique(User, { properties: ['email'] });
export const Post = softDeletable(defineEntity({
  name: 'Post', tableName: 'post',
  properties: { id: p.integer().primary(), user: () => p.manyToOne(User), deletedAt: deletedAt() },
}), { retention: '30d' });
`;
const config = (url: string) => `
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig } from '@mikro-orm/postgresql';
import { SeedManager } from '@mikro-orm/seeder';
import { softDelete } from './lib/index.js';
import { Post, User } from './entities.js';
export default defineConfig({
  clientUrl: '${url}',
  entities: [User, Post],
  extensions: [Migrator, SeedManager, softDelete({ purge: { retention: '90d' } })],
  migrations: { path: './migrations', emit: 'cjs', snapshot: false },
  seeder: { path: './seeders', defaultSeeder: 'ClearOutSeeder' },
});
`;
/** Removes rows through every door that an entity manager has. */
const seeder = `
import { Seeder } from '@mikro-orm/seeder';
import { Post, User } from '../entities.js';
export class ClearOutSeeder extends Seeder {
  async run(em) {
    em.remove(await em.findOneOrFail(User, { email: 'ada' }));
    await em.flush();
    await em.nativeDelete(Post, { id: 3 });
    const left = await em.fork().find(User, {});
    if (left.length !== 1) throw new Error('a deleted row shows: ' + JSON.stringify(left));
    // The value is free again.
    em.create(User, { id: 3, email: 'ada' });
    await em.flush();
  }
}
`;

describe(`${softDelete.name} in command lines`, () => {
  let library: CompiledLibrary;
  let database: TestDatabase;

  beforeAll(async () => {
    library = compileLibrary();
    database = await createTestDatabase();
    mkdirSync(join(library.folder, 'seeders'));
    const files = {
      'entities.js': entities,
      'mikro-orm.config.js': config(database.url),
      'seeders/ClearOutSeeder.js': seeder,
      'package.json': JSON.stringify({
        type: 'module',
        dependencies: { '@mikro-orm/cli': '*' },
        'mikro-orm': { configPaths: ['./mikro-orm.config.js'] },
      }),
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(library.folder, name), text);
    }
  });
  afterAll(async () => {
    library.remove();
    await database.drop();
  });

  const run = (program: string, ...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], {
        cwd: library.folder,
        env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', NODE_COMPILE_CACHE: join(library.folder, 'cache') },
      });
      let out = '';
      child.stdout.on('data', (data) => (out += data));
      child.stderr.on('data', (data) => (out += data));
      child.on('close', (code) =>
        code === 0 ? resolve(out) : reject(new Error(`${args.join(' ')}: ${code}\n${out}`)),
      );
    });
  const mikroOrm = (...args: string[]) => {
    const manifest = createRequire(import.meta.url).resolve('@mikro-orm/cli/package.json');
    return run(join(dirname(manifest), 'cli.js'), ...args);
  };
  const softDeleteCommand = (...args: string[]) => run(join(library.folder, 'lib/cli/main.js'), ...args);
  const rows = (table: string) =>
    database.query(`select id, deleted_at is not null as deleted from ${table} order by id`);

  it('makes the migrations that the marks ask for, and nothing more', async () => {
    await mikroOrm('migration:create');
    const [file] = readdirSync(join(library.folder, 'migrations'));
    const migration = readFileSync(join(library.folder, 'migrations', file!), 'utf8');
    expect(migration).toContain('create unique index');
    expect(migration).toMatch(/where \(?"?deleted_at"? is null/);
    await mikroOrm('migration:up');
    const update = await mikroOrm('schema:update', '--dump');
    expect(update).not.toMatch(/create|alter|drop/i);
  });

  it('has seeders remove softly and hide what is deleted', async () => {
    await database.query(`
      insert into member (id, email) values (1, 'ada'), (2, 'bob');
      insert into post (id, user_id) values (1, 1), (2, 1), (3, 2), (4, 2);`);
    await mikroOrm('seeder:run');
    await expect(rows('member')).resolves.toEqual([
      { id: 1, deleted: true },
      { id: 2, deleted: false },
      { id: 3, deleted: false },
    ]);
    await expect(rows('post')).resolves.toEqual([
      { id: 1, deleted: true },
      { id: 2, deleted: true },
      { id: 3, deleted: true },
      { id: 4, deleted: false },
    ]);
  });

  it('gives the retention of the configuration to the soft-delete command', async () => {
    await expect(softDeleteCommand('status')).resolves.toMatch(/^Post +30 days +3 .*\nUser +90 days +1 /m);
    await expect(softDeleteCommand('policy')).resolves.toContain(
      '| User | `member` | sets `deleted_at` | 90 days | email |',
    );
    await expect(softDeleteCommand('policy', '--retention', '7d')).resolves.toContain('| 7 days | email |');
    const [, user] = (await softDeleteCommand('policy', '--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(user).toMatchObject({ entity: 'User', retention: 7_776_000_000 });
    await database.query(`update member set deleted_at = now() - interval '80 days' where id = 1;
      update post set deleted_at = now() - interval '80 days' where deleted_at is not null`);
    await expect(softDeleteCommand('purge')).resolves.toMatch(/^Post +3 .*\nUser +0 /m);
    await database.query(`update member set deleted_at = now() - interval '91 days' where id = 1`);
    await expect(softDeleteCommand('purge')).resolves.toMatch(/^User +1 /m);
    await expect(rows('member')).resolves.toEqual([
      { id: 2, deleted: false },
      { id: 3, deleted: false },
    ]);
  });
});

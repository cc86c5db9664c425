import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { environmentOf } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase } from './people.js';

const APPLICATION = `
import 'reflect-metadata';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineEntity, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { softDeletable, SoftDeleteModule } from './lib/index.js';
const [, , clientUrl, closes] = process.argv;
const Person = softDeletable(defineEntity({
  name: 'Person', tableName: 'person',
  properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
}), { retention: '1h' });
class App {}
Module({
  imports: [
    MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl, entities: [Person] }),
    ScheduleModule.forRoot(),
    SoftDeleteModule.forRoot({ purge: { cron: '* * * * * *', brake: false } }),
  ],
})(App);
const app = await NestFactory.createApplicationContext(App);
if (closes === 'closes') {
  app.enableShutdownHooks();
}
`;

describe('An application that is told to end during its scheduled purge', () => {
  let library: CompiledLibrary;
  let database: TestDatabase;
  let child: ChildProcess;
  let out = '';

  beforeAll(() => {
    library = compileLibrary();
    writeFileSync(join(library.folder, 'application.js'), APPLICATION);
  });
  afterAll(() => library.remove());

  beforeEach(async () => {
    database = await createPeopleDatabase();
    await database.query(`
      delete from person;
      insert into person select n, 'n', now() - interval '2 hours' from generate_series(1, 20000) as n;
      analyze person;
      create function on_delete() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return null; end $$;
      create trigger on_delete after delete on person for each statement execute function on_delete()`);
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await database.drop();
  });

  const start = (closes: string): Promise<unknown[]> => {
    out = '';
    child = spawn(process.execPath, ['application.js', database.url, closes], {
      cwd: library.folder,
      env: { ...environmentOf(library), PGAPPNAME: 'shutdown', NO_COLOR: '1' },
    });
    child.stdout!.on('data', (data) => (out += data));
    child.stderr!.on('data', (data) => (out += data));
    return once(child, 'close');
  };

  const count = async (sql: string): Promise<number> =>
    Number((await database.query<{ count: string }>(`select count(*) from ${sql}`))[0]!.count);

  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) {
      await setTimeout(20);
    }
  };

  /** In the middle of a batch that is not the first. */
  const untilPurging = () =>
    until(
      async () =>
        (await count('person')) < 20_000 &&
        (await count(`pg_stat_activity where application_name = 'shutdown' and wait_event = 'PgSleep'`)) === 1,
    );

  const untilDisconnected = () =>
    until(async () => (await count(`pg_stat_activity where application_name = 'shutdown'`)) === 0);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends the batch and says how far it came, with shutdown hooks: %s',
    async (signal) => {
      const ended = start('closes');
      await untilPurging();
      child.kill(signal);
      expect(await ended).toEqual([null, signal]);
      const [, removed] = /Purge aborted after \d+ ms: (\d+) rows removed/.exec(out) ?? [];
      expect(await count('person')).toBe(20_000 - Number(removed));
      expect(out).not.toMatch(/ERROR|WARN/);
      await untilDisconnected();
    },
  );

  it('rolls the batch back without shutdown hooks', async () => {
    const ended = start('dies');
    await untilPurging();
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await untilDisconnected();
    const left = await count('person');
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(20_000);
    const again = start('closes');
    await until(async () => (await count('person')) < left);
    child.kill('SIGINT');
    await again;
    expect(out).toMatch(/Purge aborted/);
  });
});

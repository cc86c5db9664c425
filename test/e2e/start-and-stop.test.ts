import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { reachableFolder } from '../../sample-app/src/database/reachable-folder.js';
import { isRunning, newDataFolder, removeDataFolder, root, serverPid, Shop } from './shop.js';

describe('Starting and stopping the sample app', () => {
  let dataFolder: string;
  let shop: Shop;

  beforeAll(async () => {
    dataFolder = await newDataFolder();
    shop = await Shop.open({ dataFolder });
  });

  afterAll(async () => {
    await shop?.close();
    await removeDataFolder(dataFolder);
  });

  it('says in one line that it is running already', async () => {
    const second = Shop.launch({ dataFolder });
    expect(await second.ended()).toBe(1);
    expect(second.errors).toMatch(/^The sample app is already running on the data in .*\n$/);
    expect((await shop.request('GET', '/health')).status).toBe(200);
  });

  it('says in one line that the port is taken, and leaves no database behind', async () => {
    const other = await newDataFolder();
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    try {
      const second = Shop.launch({ dataFolder: other, env: { PORT: String(port) } });
      expect(await second.ended()).toBe(1);
      expect(second.errors).toMatch(new RegExp(`^Port ${port} is taken.*\n$`));
      expect(serversOn(other)).toEqual([]);
    } finally {
      server.close();
      await removeDataFolder(other);
    }
  });

  it.each([
    [
      'cannot be reached',
      'postgresql://shop:secret@127.0.0.1:1/shop',
      /^The database at 127\.0\.0\.1:1\/shop .*ECONNREFUSED.*\n$/,
    ],
    [
      'is of another kind',
      'mysql://127.0.0.1/shop',
      /^DATABASE_URL is not the address of a PostgreSQL database\..*\n$/,
    ],
    ['is no address', 'shop', /^DATABASE_URL is not the address of a PostgreSQL database\..*\n$/],
  ])('says in one line that the database %s', async (_what, url, line) => {
    const second = Shop.launch({ dataFolder, env: { DATABASE_URL: url } });
    expect(await second.ended()).toBe(1);
    expect(second.errors).toMatch(line);
    expect(second.errors).not.toContain('secret');
  });

  it('says in one line that the database does not let it in', async () => {
    const url = new URL(shop.databaseUrl());
    url.password = 'wrong';
    const second = Shop.launch({ dataFolder, env: { DATABASE_URL: url.href } });
    expect(await second.ended()).toBe(1);
    expect(second.errors).toMatch(/^The database at .* password authentication failed .*\n$/);
  });

  it('says in one line that a port is none', async () => {
    const second = Shop.launch({ dataFolder, env: { PORT: 'http' } });
    expect(await second.ended()).toBe(1);
    expect(second.errors).toBe('PORT is "http". Write a number from 0 (any free port) to 65535.\n');
  });

  it('works on the database that DATABASE_URL names', async () => {
    await shop.query('create database elsewhere');
    const second = await Shop.open({ dataFolder, env: { DATABASE_URL: shop.databaseUrl('elsewhere') } });
    await second.request('DELETE', '/customers/1');
    expect(await second.close()).toBe(0);
    const customers = 'select id from customers where deleted_at is null order by id';
    expect(await shop.query(customers, 'elsewhere')).toEqual([{ id: 2 }, { id: 3 }]);
    expect(await shop.query(customers)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  it('keeps the data where the server can reach it when root owns a folder that nobody else may enter', async () => {
    const closed = await newDataFolder();
    await chmod(closed, 0o700);
    const inside = join(closed, 'data');
    const moved = reachableFolder(inside);
    try {
      const second = await Shop.open({ dataFolder: inside });
      expect((await second.request('GET', '/customers')).status).toBe(200);
      if (process.getuid?.() === 0) {
        expect(moved).toMatch(/^\/var\/lib\/nestjs-mikro-orm-soft-delete\/data-/);
        await second.untilPrinted(new RegExp(`The database is kept in ${moved}`));
      } else {
        expect(moved).toBe(inside);
      }
      expect(await second.close()).toBe(0);
    } finally {
      await removeDataFolder(moved);
      await removeDataFolder(closed);
    }
  });

  it('starts as new with --fresh, and never empties a database of yours', async () => {
    const other = await newDataFolder();
    try {
      const first = await Shop.open({ dataFolder: other });
      await first.request('DELETE', '/customers/1');
      await first.close();
      const main = [process.execPath, join(root, 'sample-app/dist/main.js')] as const;
      const again = await Shop.open({ dataFolder: other, command: [...main, '--fresh'] });
      expect(await again.query('select id from customers where deleted_at is null order by id')).toEqual([
        { id: 1 },
        { id: 2 },
        { id: 3 },
      ]);
      await again.close();

      const theirs = Shop.launch({
        dataFolder: other,
        command: [...main, '--fresh'],
        env: { DATABASE_URL: shop.databaseUrl() },
      });
      expect(await theirs.ended()).toBe(1);
      expect(theirs.errors).toMatch(/^--fresh empties the database that the app brings along, .*\n$/);
      const typo = Shop.launch({ dataFolder: other, command: [...main, '--frehs'] });
      expect(await typo.ended()).toBe(1);
      expect(typo.errors).toMatch(/^There is no option "--frehs"\..*\n$/);
    } finally {
      await removeDataFolder(other);
    }
  });

  it('starts again with its data after a kill -9, on the server that was left behind', async () => {
    await shop.request('DELETE', '/customers/2');
    const before = await shop.query('select id, deleted_at from customers order by id');
    const server = serverPid(dataFolder)!;
    shop.process.kill('SIGKILL');
    expect(await shop.ended()).toBe('SIGKILL');
    expect(isRunning(server)).toBe(true);

    shop = await Shop.open({ dataFolder });
    expect(serverPid(dataFolder)).toBe(server);
    expect(await shop.query('select id, deleted_at from customers order by id')).toEqual(before);
  });

  it('starts again with its data after everything was killed', async () => {
    const before = await shop.query('select id, deleted_at from customers order by id');
    const server = serverPid(dataFolder)!;
    shop.process.kill('SIGKILL');
    process.kill(server, 'SIGKILL');
    await shop.ended();

    shop = await Shop.open({ dataFolder });
    expect(serverPid(dataFolder)).not.toBe(server);
    expect(await shop.query('select id, deleted_at from customers order by id')).toEqual(before);
  });

  it('leaves no process behind after Ctrl-C', async () => {
    await shop.close();
    shop = await Shop.open({ dataFolder, detached: true, command: ['npm', 'start'] });
    const server = serverPid(dataFolder)!;
    const group = shop.process.pid!;
    expect(processesOf(group).length).toBeGreaterThan(1);

    process.kill(-group, 'SIGINT');
    await shop.ended();
    expect(processesOf(group)).toEqual([]);
    expect(isRunning(server)).toBe(false);
    expect(serversOn(dataFolder)).toEqual([]);
  });
});

function processesOf(group: number): string[] {
  return processes().filter((line) => Number(line.trim().split(/\s+/)[1]) === group);
}

function serversOn(folder: string): string[] {
  return processes().filter((line) => line.includes(folder));
}

/** Process id, group id and command line of every process. */
function processes(): string[] {
  if (!existsSync('/proc/self/stat')) {
    return spawnSync('ps', ['-A', '-o', 'pid=,pgid=,args='], { encoding: 'utf8' }).stdout.split('\n');
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return [`${pid} ${group} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    });
}

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, type EntityManager, MikroORM, type Options, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  PurgeInterruptedError,
  PurgeService,
  softDelete,
  softDeletable,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { untilBlocked } from '../../support/blocked.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Item = softDeletable(
  defineEntity({
    name: 'Item',
    tableName: 'item',
    properties: {
      id: p.integer().primary(),
      path: p.text(),
      secret: p.text(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  const ROWS = 1024;
  let test: TestOrm;
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);

  beforeAll(() => process.on('unhandledRejection', onUnhandled));
  afterAll(() => process.off('unhandledRejection', onUnhandled));

  beforeEach(async () => {
    unhandled.length = 0;
    test = await createTestOrm([Item], { pool: { max: 3 } }, false);
    await plant();
    await test.database.query('create sequence attempts');
  });

  afterEach(async () => {
    await test.close();
    expect(unhandled).toEqual([]);
  });

  const plant = () =>
    test.database.query(`
      truncate item;
      insert into item select n, 'file ' || n, 'secret', now() - interval '40 days' + n * interval '1 second'
      from generate_series(1, ${ROWS}) as n;
      insert into item values (5001, 'active', '', null), (5002, 'kept', '', now() - interval '20 days');
    `);
  const ids = async () =>
    (await test.database.query<{ id: number }>('select id from item order by id')).map(({ id }) => id);
  const onDelete = (body: string) =>
    test.database.query(`
      create function on_delete() returns trigger language plpgsql as $$ begin ${body} return old; end $$;
      create trigger on_delete before delete on item for each row execute function on_delete();
    `);
  const purge = (options: Parameters<typeof createPurge>[1] = {}) =>
    createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, ...options });
  /** Rows then go by their keys, in transactions with an entity manager. */
  const hooked: typeof purge = (options) => {
    const service = purge(options);
    service.registerHook(Item.class, () => undefined);
    return service;
  };
  const ways = [
    { way: 'by range', create: purge },
    { way: 'with hooks', create: hooked },
  ];

  it('isolates rows that a trigger refuses, in about two statements per row and halving', async () => {
    await onDelete(`if old.id in (17, 700) then
      raise exception 'file is in use' using errcode = '23514', constraint = 'in_use'; end if;`);
    test.statements.length = 0;

    const report = await purge({ batchSize: ROWS }).run();

    expect(report).toMatchObject({
      outcome: 'completed',
      total: ROWS - 2,
      entities: [
        {
          purged: ROWS - 2,
          failed: 2,
          blocked: 0,
          locked: 0,
          failures: [
            { key: 17, message: 'file is in use', sqlState: '23514', constraint: 'in_use' },
            { key: 700, message: 'file is in use', sqlState: '23514', constraint: 'in_use' },
          ],
        },
      ],
    });
    await expect(ids()).resolves.toEqual([17, 700, 5001, 5002]);
    const deletions = test.statements.filter((sql) => sql.includes('delete from')).length;
    expect(deletions).toBeLessThanOrEqual(2 + 2 * 2 * Math.log2(ROWS));
  });

  it.each([
    { order: 'age', how: 'range', width: 1_900, known: 60 },
    { order: 'age', how: 'key', width: 1_900, known: 60 },
    { order: 'place', how: 'range', width: 180, known: 1_200 },
    { order: 'place', how: 'key', width: 180, known: 1_200 },
  ])('takes all rows and reads each a few times, whatever the statistics say: by $order and $how', async (shape) => {
    await test.database.query(`
      alter table item set (autovacuum_enabled = off);
      truncate item;
      insert into item select n, repeat('x', ${shape.width}), '', case when n % ${shape.known} = 0 then now() - interval '80 days' + hashint4(n) * interval '1 millisecond' end
      from generate_series(1, 12000) as n;
      analyze item;
      update item set deleted_at = now() - interval '80 days' + hashint4(id) * interval '1 millisecond' where id % 3 = 0;
    `);
    test.statements.length = 0;

    const { total } = await (shape.how === 'key' ? hooked : purge)({ batchSize: 100 }).run();
    await test.orm.close(true);
    const [index] = await test.database.query<{ read: number }>(
      `select idx_tup_read::int as read from pg_stat_user_indexes where indexrelname like '%deleted_at%'`,
    );

    expect(test.statements.some((sql) => sql.includes('p.ctid < '))).toBe(shape.order === 'place');
    expect(total).toBe(4_000);
    expect(index!.read).toBeLessThan(6 * total);
  });

  it('leaves a row that is restored after the end of its batch was read ahead', async () => {
    await onDelete(`if old.id = 1 then update item set deleted_at = null where id in (500, 777); end if;`);
    test.statements.length = 0;

    const report = await purge({ batchSize: 100 }).run();

    expect(test.statements.filter((sql) => sql.startsWith('with recursive batch_end'))).toHaveLength(2);
    expect(report).toMatchObject({ outcome: 'completed', entities: [{ purged: ROWS - 2, locked: 0, blocked: 0 }] });
    await expect(ids()).resolves.toEqual([500, 777, 5001, 5002]);
  });

  it('counts without the JIT compiler, which takes longer than the counting where the server has one', async () => {
    const service = purge();
    test.statements.length = 0;
    await service.run({ dryRun: true });
    await service.status();

    const counts = test.statements.flatMap((sql, i) => (sql.includes('count(') ? [i] : []));
    expect(counts).toHaveLength(3);
    for (const i of counts) {
      expect(test.statements[i - 1]).toMatch(/^begin read only; .*'jit', 'off', true/);
    }
  });

  it('passes over rows that a user has locked, takes them at the end if they are free by then, else reports them', async () => {
    const [brief, long] = [await test.database.connect(), await test.database.connect()];
    await brief.query('begin; select from item where id in (3, 4) for update');
    await long.query('begin; update item set deleted_at = null where id = 5');

    const run = purge().run();
    await sleep(300);
    await brief.query('rollback');
    const report = await run;

    expect(report).toMatchObject({ outcome: 'completed', entities: [{ purged: ROWS - 1, locked: 1, blocked: 0 }] });
    await long.query('commit');
    await expect(ids()).resolves.toEqual([5, 5001, 5002]);
    await Promise.all([brief.end(), long.end()]);
  });

  it('makes batches smaller when they run into the statement timeout', async () => {
    await onDelete(`if old.id = 1 and nextval('attempts') = 1 then perform pg_sleep(10); end if;`);
    const totals: number[] = [];

    const report = await purge().run({ onProgress: ({ total }) => totals.push(total) });

    // An eighth of the 500 rows that were too many.
    expect(totals[0]).toBe(62);
    expect(report).toMatchObject({ outcome: 'completed', entities: [{ purged: ROWS, failed: 0 }] });
    await expect(ids()).resolves.toEqual([5001, 5002]);
  });

  it('repeats a batch that is the victim of a deadlock', async () => {
    await test.database.query(`alter database ${test.database.name} set deadlock_timeout = '300ms'`);
    let deadlocks = 0;
    // The server looks for one once in the time of a statement. On a busy machine the user may come too late for that.
    for (let attempts = 0; deadlocks === 0 && attempts < 10; attempts++) {
      await plant();
      await test.orm.close(true);
      await test.orm.connect();
      const user = await test.database.connect();
      await user.query("set deadlock_timeout = '10s'; begin; select from item where id = 2 for update");

      const run = purge({ lockTimeout: '5s' }).run();
      await untilBlocked(test.database, run);
      await user.query(
        'select from item where id = 1 for update; update item set deleted_at = null where id = 2; commit',
      );
      await user.end();
      const report = await run;

      expect(report).toMatchObject({ outcome: 'completed', entities: [{ failed: 0, locked: 0 }] });
      await expect(ids()).resolves.toEqual([2, 5001, 5002]);
      deadlocks = await countDeadlocks();
    }
    expect(deadlocks).toBeGreaterThan(0);
  });

  /** The server counts what a connection has seen when it ends. */
  async function countDeadlocks(): Promise<number> {
    await test.orm.close(true);
    const ended = async () =>
      (
        await test.database.query(
          "select from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
        )
      ).length === 0;
    while (!(await ended())) {
      await sleep(5);
    }
    const [row] = await test.database.query<{ deadlocks: number }>(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    return row!.deadlocks;
  }

  it('repeats a batch that could not be serialized', async () => {
    await onDelete(
      `if old.id = 100 and nextval('attempts') < 3 then raise exception 'try again' using errcode = '40001'; end if;`,
    );

    await expect(purge().run()).resolves.toMatchObject({
      outcome: 'completed',
      entities: [{ purged: ROWS, failed: 0 }],
    });
    await expect(ids()).resolves.toEqual([5001, 5002]);
  });

  it.each(ways)('goes on over a new connection when the server drops the one of a batch: $way', async ({ create }) => {
    await onDelete(
      `if old.id in (100, 900) and nextval('attempts') not in (5, 6) then perform pg_terminate_backend(pg_backend_pid()); end if;`,
    );
    // More than the pool has.
    await expect(create().run()).resolves.toMatchObject({
      outcome: 'completed',
      entities: [{ purged: ROWS, failed: 0 }],
    });
    await expect(ids()).resolves.toEqual([5001, 5002]);
    await expect(test.database.query('select last_value::int from attempts')).resolves.toEqual([{ last_value: 6 }]);
  });

  it('asks what became of a commit whose answer was lost, so that every row is counted once', async () => {
    const proxy = await startProxy(test.database.url, 3);
    const orm = await MikroORM.init({ ...(test.orm.config.getAll() as Options), clientUrl: proxy.url });

    const report = await createPurge(orm, { brake: false, pauseBetweenBatches: 0, batchSize: 100 }).run();

    expect(proxy.lostAnswers()).toBe(1);
    expect(report).toMatchObject({
      outcome: 'completed',
      total: ROWS,
      entities: [{ purged: ROWS, failed: 0, locked: 0 }],
    });
    await expect(ids()).resolves.toEqual([5001, 5002]);
    await orm.close(true);
    await proxy.close();
  });

  it('ends with an error that says what was done when the server becomes read-only', async () => {
    await test.database.query(`alter database ${test.database.name} set default_transaction_read_only = on`);
    await test.orm.close(true);
    await test.orm.connect();

    const error = await purge()
      .run()
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(PurgeInterruptedError);
    expect(error).toMatchObject({ code: 'PURGE_INTERRUPTED', report: { outcome: 'aborted', total: 0 } });
    expect((error as Error).message).toContain('The server is read-only');
    await test.database.query(`alter database ${test.database.name} set default_transaction_read_only = off`);
    await test.orm.close(true);
    await test.orm.connect();
    await expect(purge().run()).resolves.toMatchObject({ total: ROWS });
  });

  it('waits for a connection of a full pool no longer than it may run', async () => {
    let release = () => {};
    const held = [1, 2, 3].map(() =>
      test.orm.em.fork().transactional(
        () =>
          new Promise<void>((resolve) => {
            const before = release;
            release = () => {
              before();
              resolve();
            };
          }),
      ),
    );
    await sleep(50);

    await expect(purge().run({ timeBudget: '150ms' })).resolves.toMatchObject({ outcome: 'time-budget', total: 0 });
    await expect(purge().run({ signal: AbortSignal.timeout(100) })).resolves.toMatchObject({
      outcome: 'aborted',
      total: 0,
    });
    release();
    await Promise.all(held);
    await expect(purge().run()).resolves.toMatchObject({ outcome: 'completed', total: ROWS });
  });

  it('hands hooks the columns they ask for, and keeps the rows of one that throws', async () => {
    const seen: object[] = [];
    const service = purge({ batchSize: 128 });
    await test.database.query('create table removed_file (path text)');
    service.registerHook(
      Item.class,
      async (items: any[], { em }) => {
        seen.push(...items.map((item) => ({ ...item })));
        const quoted = items.map(({ path }) => `('${path}')`).join(', ');
        await em.execute(`insert into removed_file values ${quoted}`);
        if (items.some(({ id }) => id === 30)) {
          throw new Error('The storage is away.');
        }
      },
      { fields: ['path'] },
    );

    const report = await service.run();

    expect(report).toMatchObject({
      total: ROWS - 1,
      entities: [{ purged: ROWS - 1, failed: 1, failures: [{ key: 30, message: 'The storage is away.' }] }],
    });
    expect(seen.every((item) => Object.keys(item).sort().join() === 'id,path')).toBe(true);
    await expect(ids()).resolves.toEqual([30, 5001, 5002]);
    await expect(
      test.database.query('select count(distinct path)::int as files, count(*)::int as rows from removed_file'),
    ).resolves.toEqual([{ files: ROWS - 1, rows: ROWS - 1 }]);
  });

  it('says that a handler may have restored or removed a row that stayed', async () => {
    const service = purge();
    service.registerHook(Item.class, async (items: any[], { em }) => {
      if (items.some(({ id }) => id === 30)) {
        await em.execute('update item set deleted_at = null where id = 30');
      }
    });

    const { entities } = await service.run();

    const message = 'A trigger kept the row in item, or an @OnPurge() handler has restored or removed it.';
    expect(entities).toMatchObject([{ purged: ROWS - 1, failed: 1, failures: [{ key: 30, message }] }]);
  });

  it('says that it takes the right to update to lock rows', async () => {
    const role = `purger_${test.database.name}`;
    await test.database.query(`create role ${role} login password 'x'; grant select, delete on item to ${role}`);
    const { host } = new URL(test.database.url);
    const options = {
      entities: [Item],
      clientUrl: `postgresql://${role}:x@${host}/${test.database.name}`,
      debug: false,
    };
    const orm = await MikroORM.init({ ...options, extensions: [softDelete()] });
    try {
      const explain = () => createPurge(orm, { brake: false }).explain(Item, [1]);
      await expect(explain()).rejects.toThrow(/update \(which locking a row takes\)/);
      await test.database.query(`grant update (deleted_at) on item to ${role}`);
      await expect(explain()).resolves.toMatchObject([{ state: 'removable' }]);
    } finally {
      await orm.close();
      await test.database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('limits what its transactions may take, and waits for the disk only where hooks do things elsewhere', async () => {
    await test.database.query(`
      create table setting (name text, value text);
      create function note_settings() returns trigger language plpgsql as $$ begin
        insert into setting select n, current_setting(n, true) from unnest(array[
          'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'synchronous_commit', 'jit',
          'transaction_isolation']) as n;
        return old;
      end $$;
      create trigger note before delete on item for each row when (old.id = 1) execute function note_settings()`);
    const settings = async (service: PurgeService) => {
      await test.database.query(
        `delete from setting; insert into item values (1, '', '', now() - interval '40 days') on conflict do nothing`,
      );
      await service.run();
      const rows = await test.database.query('select name, value from setting');
      return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    };
    const common = {
      lock_timeout: '120ms',
      statement_timeout: '500ms',
      jit: 'off',
      transaction_isolation: 'read committed',
    };
    await expect(settings(purge({ lockTimeout: 120 }))).resolves.toEqual({
      ...common,
      idle_in_transaction_session_timeout: '10s',
      synchronous_commit: 'off',
    });
    await expect(settings(hooked({ lockTimeout: 120 }))).resolves.toEqual({
      ...common,
      statement_timeout: expect.stringMatching(/^(500ms|1min)$/),
      idle_in_transaction_session_timeout: '1min',
      synchronous_commit: 'on',
    });
    await expect(test.database.query('show synchronous_commit')).resolves.toEqual([{ synchronous_commit: 'on' }]);
  });

  it('gives hooks a transaction as the ORM makes them', async () => {
    const events: string[] = [];
    const note = (event: string) => () => void events.push(event);
    test.orm.em.getEventManager().registerSubscriber({
      beforeTransactionStart: note('before start'),
      afterTransactionStart: note('after start'),
      beforeTransactionCommit: note('before commit'),
      afterTransactionCommit: note('after commit'),
    });
    await test.database.query('create table removed (number int)');
    const service = purge({ batchSize: ROWS });
    service.registerHook(Item.class, async (items, { em }) => {
      events.push('hook');
      await expect(em.execute("select current_setting('enable_sort') as sort")).resolves.toEqual([{ sort: 'on' }]);
      await em.execute(`insert into removed values (${items.length})`);
      await em.transactional((inner) => inner.execute('insert into removed values (1)'));
      await em.transactional((inner) => inner.execute('insert into removed values (1 / 0)')).catch(() => undefined);
      em.persist(em.create(Item.class, { id: 6_001, path: 'made by a hook', secret: '' }));
    });

    await expect(service.run()).resolves.toMatchObject({ total: ROWS });

    expect([...events.slice(0, 3), ...events.slice(-2)]).toEqual([
      'before start',
      'after start',
      'hook',
      'before commit',
      'after commit',
    ]);
    await expect(test.database.query('select number from removed')).resolves.toEqual([{ number: ROWS }, { number: 1 }]);
    await expect(ids()).resolves.toEqual([5001, 5002, 6001]);
  });

  it.each(ways)('removes rows with the session variables of the entity manager: $way', async ({ create }) => {
    await onDelete(`perform set_config('app.seen', current_setting('app.actor', true), false);`);
    test.orm.config.set('allowGlobalContext', true);
    const em: Partial<EntityManager> = test.orm.em;
    em.setSessionContext?.({ variables: { 'app.actor': 'purge' } });
    await expect(create().run()).resolves.toMatchObject({ total: ROWS });

    const [seen] = await test.orm.em.fork().execute(`select current_setting('app.seen', true) as actor`);
    // MikroORM has them from 7.2 on.
    expect(seen).toEqual({ actor: em.setSessionContext ? 'purge' : '' });
  });

  it('stops after the batch under way, and the next run goes on', async () => {
    const controller = new AbortController();
    const aborted = await purge({ batchSize: 100 }).run({
      signal: controller.signal,
      onProgress: ({ total }) => total >= 300 && controller.abort(),
    });
    expect(aborted).toMatchObject({ outcome: 'aborted', total: 300 });
    await expect(test.database.query('select count(*)::int as left from item')).resolves.toEqual([
      { left: ROWS - 300 + 2 },
    ]);

    await onDelete('perform pg_sleep(0.001);');
    await expect(purge({ batchSize: 50 }).run({ timeBudget: 150 })).resolves.toMatchObject({ outcome: 'time-budget' });
    await test.database.query('drop function on_delete cascade');
    await expect(purge().run()).resolves.toMatchObject({ outcome: 'completed' });
    await expect(ids()).resolves.toEqual([5001, 5002]);
  });

  const YEAR = 365 * 24 * 60 * 60 * 1_000;

  it.each([
    { side: 'behind', shift: -YEAR },
    { side: 'ahead', shift: YEAR },
  ])("goes by the database's clock while the process' is a year $side", async ({ shift }) => {
    const RealDate = Date;
    globalThis.Date = class extends RealDate {
      constructor(...args: any[]) {
        super(...((args.length > 0 ? args : [RealDate.now() + shift]) as [number]));
      }
      static override now = () => RealDate.now() + shift;
    } as DateConstructor;
    try {
      await expect(purge().run({ dryRun: true })).resolves.toMatchObject({ total: ROWS });
      const { entities, at } = await purge().status();
      expect(entities[0]).toMatchObject({ deleted: ROWS + 1, due: ROWS, blocked: 0 });
      expect(Math.abs(at.getTime() - RealDate.now())).toBeLessThan(60_000);
      await expect(purge().run({ timeBudget: '5m' })).resolves.toMatchObject({ outcome: 'completed', total: ROWS });
    } finally {
      globalThis.Date = RealDate;
    }
    await expect(ids()).resolves.toEqual([5001, 5002]);
  });

  it('never shortens a retention, and refuses what cannot work', async () => {
    const service = purge();
    await expect(service.run({ olderThan: '1d' })).resolves.toMatchObject({ total: ROWS });
    await expect(service.run({ olderThan: '1y' })).resolves.toMatchObject({ total: 0 });
    await expect(ids()).resolves.toEqual([5001, 5002]);
    await expect(service.run({ batchSize: -1 })).rejects.toBeInstanceOf(SoftDeleteConfigError);
    await expect(service.run({ olderThan: 'soon' as never })).rejects.toBeInstanceOf(SoftDeleteConfigError);
    await expect(service.run({ entities: ['Nothing'] })).rejects.toMatchObject({ code: 'NOT_SOFT_DELETABLE' });
  });
});

/** Stands between the ORM and the server, and cuts the line once the server has answered the n-th commit that removed something. */
async function startProxy(url: string, nth: number) {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let commits = 0;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let hasDeleted = false;
    let isCut = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
        sockets.delete(socket);
      });
    }
    client.on('data', (data) => {
      const text = data.toString('latin1');
      hasDeleted ||= text.includes('delete from');
      if (hasDeleted && /commit/i.test(text)) {
        hasDeleted = false;
        isCut = ++commits === nth;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (isCut) {
        lost++;
        client.destroy();
      } else {
        client.write(data);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const proxied = new URL(url);
  proxied.port = String(port);
  return {
    url: proxied.toString(),
    lostAnswers: () => lost,
    close: () =>
      new Promise<void>((resolve) => {
        sockets.forEach((socket) => socket.destroy());
        server.close(() => resolve());
      }),
  };
}

import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeInterruptedError, replicationLag, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import pg from 'pg';
import { type OwnServer, startServer } from '../../../scripts/postgres/start-server.mjs';
import { startStandby } from '../../../scripts/postgres/start-standby.mjs';

const Item = softDeletable(
  defineEntity({
    name: 'Item',
    tableName: 'item',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
  { retention: '30d' },
);
const SETTINGS = { fsync: 'off', max_connections: 20 };

describe(replicationLag.name, () => {
  let server: OwnServer;
  let standby: OwnServer;
  let orm: MikroORM;
  let primary: pg.Client;
  let replica: pg.Client;

  beforeAll(async () => {
    server = await startServer({ purpose: 'primary', settings: SETTINGS, initdbFlags: ['--no-sync'] });
    orm = await MikroORM.init({ clientUrl: `${server.url}/postgres`, entities: [Item] });
    await orm.schema.create();
    standby = await startStandby(server, SETTINGS);
    primary = await connect(`${server.url}/postgres`);
    replica = await connect(`${standby.url}/postgres`);
  });
  beforeEach(async () => {
    await primary.query(`
      truncate item;
      insert into item select n, now() - interval '40 days' from generate_series(1, 100) as n;
      insert into item values (101, null)`);
    await until(async () => (await left(replica)) === 101);
  });
  afterAll(async () => {
    await orm?.close(true);
    await primary?.end();
    await replica?.end();
    await standby?.stop();
    await server?.stop();
  });

  const connect = async (url: string, options: object = {}) => {
    const client = new pg.Client({ connectionString: url, ...options });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) {
      await sleep(20);
    }
  };
  const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const left = async (client: pg.Client) =>
    (await client.query('select count(*)::int as rows from item')).rows[0].rows as number;
  const purge = (max: '500ms' | '1h', by = orm) =>
    createPurge(by, {
      batchSize: 1,
      pauseBetweenBatches: '20ms',
      throttle: replicationLag({ max }),
      brake: false,
    });
  /** How many transactions of a purge are open. */
  const busy = async () =>
    (
      await primary.query(
        `select count(*)::int as n from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'`,
      )
    ).rows[0].n as number;

  it('waits with nothing open while a standby has stopped to replay, and goes on at once when it has caught up', async () => {
    await replica.query('select pg_wal_replay_pause()');
    await until(
      async () => (await replica.query('select pg_get_wal_replay_pause_state() as s')).rows[0].s === 'paused',
    );

    const waits: string[] = [];
    const throttle = replicationLag({ max: '500ms' });
    const run = createPurge(orm, {
      batchSize: 1,
      pauseBetweenBatches: '20ms',
      brake: false,
      throttle: async (state, database) => {
        const answer = await throttle(state, database);
        waits.push(answer);
        return answer;
      },
    }).run();
    await until(async () => waits.filter((answer) => answer === 'wait').length >= 3);
    const before = await left(primary);
    const open = await busy();
    await sleep(500);

    expect(await left(primary)).toBe(before);
    expect(before).toBeGreaterThan(1);
    expect(open).toBe(0);
    expect(await left(replica)).toBe(101);

    await replica.query('select pg_wal_replay_resume()');
    const { outcome, total } = await run;

    expect({ outcome, total }).toEqual({ outcome: 'completed', total: 100 });
    expect(await left(primary)).toBe(1);
    await until(async () => (await left(replica)) === 1);
  });

  it('does not wait for a standby that has replayed all, however long that took', async () => {
    // What the standby has reported last, unless the server has written something of its own since.
    await until(async () => {
      await replica.query('select pg_wal_replay_pause()');
      await primary.query('insert into item select max(id) + 1 from item');
      await sleep(700);
      await replica.query('select pg_wal_replay_resume()');
      const rows = await left(primary);
      await until(async () => (await left(replica)) === rows);
      const lags = await primary.query('select replay_lag > $1::interval as lags from pg_stat_replication', ['400ms']);
      return lags.rows[0].lags === true;
    });

    const report = await purge('500ms').run({ timeBudget: '5s' });

    expect(report.total).toBe(100);
  });

  it('waits for a standby that has not caught up since it connected', async () => {
    const { rows } = await primary.query('select pg_current_wal_lsn() as lsn');
    await primary.query('create table log as select n, repeat(md5(n::text), 10) from generate_series(1, 60000) as n');
    const receiver = await connect(`${server.url}/postgres`, { replication: 'true' });
    void receiver.query(`START_REPLICATION PHYSICAL ${rows[0].lsn}`).catch(() => undefined);
    // Takes in what fits into the buffers of the network.
    (receiver as unknown as { connection: { stream: { pause(): void } } }).connection.stream.pause();
    await until(
      async () => (await primary.query(`select from pg_stat_replication where state = 'catchup'`)).rowCount === 1,
    );
    try {
      await expect(purge('1h').run({ timeBudget: '300ms' })).resolves.toMatchObject({
        outcome: 'time-budget',
        total: 0,
      });
    } finally {
      (receiver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
    await until(async () => (await primary.query('select from pg_stat_replication')).rowCount === 1);
    await expect(purge('1h').run()).resolves.toMatchObject({ outcome: 'completed', total: 100 });
  });

  it('says which role it needs, before anything is removed', async () => {
    await primary.query(`
      create role purger login password 'purger';
      grant select, delete on item to purger`);
    const own = await MikroORM.init({
      clientUrl: `${server.url.replace('postgres:postgres@', 'purger:purger@')}/postgres`,
      entities: [Item],
    });
    try {
      const error = await purge('1h', own)
        .run()
        .catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(PurgeInterruptedError);
      expect((error as Error).message).toContain('grant pg_monitor to');
      expect(await left(primary)).toBe(101);

      await primary.query('grant pg_monitor to purger');
      await expect(purge('1h', own).run()).resolves.toMatchObject({ total: 100 });
    } finally {
      await own.close(true);
      await primary.query('drop owned by purger; drop role purger');
    }
  });
});

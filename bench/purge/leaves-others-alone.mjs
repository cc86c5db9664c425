import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, result } from './measure.mjs';
import { createItems } from './tables.mjs';

const CLIENTS = 2;

/** How much slower others are while a purge runs with its default pauses: short transactions as those of pgbench, at a steady rate. */
export async function* leavesOthersAlone({ server, withOrm, createPurge, rows }) {
  const due = rows(600_000);
  await server.create('items', [
    ...createItems(due * 2, due, 'scattered'),
    'create table balance (id int primary key, amount int not null)',
    'insert into balance select n, 0 from generate_series(1, 100000) as n',
    'create table history (balance_id int not null, amount int not null, at timestamptz not null)',
    'vacuum (analyze) balance',
  ]);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect('items')));
  const transact = async (client) => {
    const id = 1 + Math.floor(Math.random() * 100_000);
    const start = performance.now();
    await client.query('begin');
    await client.query(`update balance set amount = amount + 1 where id = ${id}`);
    await client.query(`select amount from balance where id = ${id}`);
    await client.query(`insert into history values (${id}, 1, now())`);
    await client.query('commit');
    return performance.now() - start;
  };
  const measure = async (isOver) => {
    const times = [];
    await Promise.all(
      clients.map(async (client) => {
        while (!isOver()) {
          times.push(await transact(client));
          await sleep(5);
        }
      }),
    );
    return times;
  };
  const forSeconds = (seconds) => {
    const end = performance.now() + seconds * 1_000;
    return () => performance.now() > end;
  };
  await measure(forSeconds(3));
  const idle = await measure(forSeconds(8));
  let isPurged = false;
  const busy = [];
  const purged = await withOrm('items', async (orm) => {
    const run = createPurge(orm)
      .run()
      .finally(() => {
        isPurged = true;
      });
    busy.push(...(await measure(() => isPurged)));
    return run;
  });
  await Promise.all(clients.map((client) => client.end()));
  const seconds = (purged.finishedAt.getTime() - purged.startedAt.getTime()) / 1_000;
  yield result('p50 of others with the default pauses against idle', quantile(busy, 0.5) / quantile(idle, 0.5), {
    atMost: 1.1,
    details: `${quantile(busy, 0.5).toFixed(2)} ms against ${quantile(idle, 0.5).toFixed(2)} ms, p99 ${quantile(busy, 0.99).toFixed(1)} against ${quantile(idle, 0.99).toFixed(1)} ms; ${purged.total.toLocaleString('en')} rows in ${seconds.toFixed(1)} s meanwhile`,
  });
}

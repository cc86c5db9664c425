import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile, result } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

const CLIENTS = 2;
const ROUNDS = 5;
const SECONDS = 4;

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
  // In turns, since an idle machine is not equally fast all the time either.
  const rounds = [];
  await withOrm('items', async (orm) => {
    for (let round = 0; round < ROUNDS; round++) {
      const idle = await measure(forSeconds(SECONDS));
      let isOver = false;
      const run = createPurge(orm, { brake: false })
        .run({ timeBudget: SECONDS * 1_000 })
        .finally(() => {
          isOver = true;
        });
      const busy = await measure(() => isOver);
      rounds.push({ idle, busy, purged: (await run).total, ratio: quantile(busy, 0.5) / quantile(idle, 0.5) });
    }
  });
  await Promise.all(clients.map((client) => client.end()));
  const ratios = rounds.map(({ ratio }) => ratio);
  const { idle, busy } = rounds.find(({ ratio }) => ratio === median(ratios));
  const purged = rounds.reduce((sum, round) => sum + round.purged, 0);
  yield result('p50 of others with the default pauses against idle', median(ratios), {
    atMost: 1.1,
    details: `${quantile(busy, 0.5).toFixed(2)} ms against ${quantile(idle, 0.5).toFixed(2)} ms, p99 ${quantile(busy, 0.99).toFixed(1)} against ${quantile(idle, 0.99).toFixed(1)} ms; ${ROUNDS} rounds, ${Math.min(...ratios).toFixed(2)}× to ${Math.max(...ratios).toFixed(2)}×; ${purged.toLocaleString('en')} rows in ${ROUNDS * SECONDS} s`,
  });
}

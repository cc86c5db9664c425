import { quantile, result, timed } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

const DUE = 35;
const ROUNDS = 20;

/**
 * A tick that has nothing to do: the few due rows that are left are all blocked, and the statistics are from before the purge that
 * removed the others.
 */
export async function* allBlocked({ server, withOrm, createPurge, rows }) {
  const total = rows(5_000_000);
  const times = {};
  for (const size of [total / 100, total]) {
    await server.create('items', [
      ...createItems(size, Math.round(size / 10), 'step'),
      `insert into note select 1000000000 + n, n from generate_series(1, ${DUE}) as n`,
    ]);
    times[size] = await withOrm('items', async (orm) => {
      const purge = createPurge(orm, { pauseBetweenBatches: 0, brake: false });
      await purge.run();
      const measure = async (work) => {
        const all = [];
        for (let round = 0; round < ROUNDS; round++) {
          all.push((await timed(work)).ms);
        }
        return all;
      };
      const { entities } = await purge.run();
      if (entities[0].blocked !== DUE || entities[0].purged !== 0) {
        throw new Error(`${entities[0].blocked} rows are blocked.`);
      }
      return {
        run: await measure(() => purge.run()),
        lag: await measure(() => purge.lag()),
        status: await measure(() => purge.status()),
      };
    });
  }
  const [small, large] = [times[total / 100], times[total]];
  const among = `${DUE} due and blocked among ${(total * 0.9).toLocaleString('en')}, statistics from before`;
  const show = (all) => `${quantile(all, 0.5).toFixed(1)} (to ${Math.max(...all).toFixed(1)}) ms`;
  yield result(`a run, ${among}`, quantile(large.run, 0.5), {
    atMost: 100,
    unit: ' ms',
    digits: 0,
    details: `${show(large.run)}, against ${show(small.run)} among a hundredth`,
  });
  yield result(`\`lag()\` and health, ${among}`, quantile(large.lag, 0.5), {
    atMost: 5,
    unit: ' ms',
    digits: 1,
    details: `one entity: ${show(large.lag)}, against ${show(small.lag)} among a hundredth`,
  });
  yield result(
    `\`lag()\` against the same among a hundredth of the rows`,
    quantile(large.lag, 0.5) / quantile(small.lag, 0.5),
    { atMost: 2, details: `\`status()\`, which counts: ${show(large.status)} against ${show(small.status)}` },
  );
  await server.drop('items');
}

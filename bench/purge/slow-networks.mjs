import { createLatencyProxy } from '../../test/support/latency-proxy.ts';
import { median, result } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

const ROUNDS = 3;
const LARGE = 5_000;

/** Where each trip takes long, the purge adapts to large batches by itself: its speed against a batch size that was chosen for it. */
export async function* slowNetworks({ server, withOrm, createPurge, rows }) {
  const due = rows(100_000);
  await server.create('template_items', createItems(due * 2, due, 'step'));
  const { hostname, port } = new URL(server.url('items'));
  for (const roundTrip of [1, 5, 20]) {
    const proxy = await createLatencyProxy(hostname, Number(port), roundTrip);
    const run = async (options) => {
      await server.copy('items', 'template_items');
      return withOrm(
        'items',
        async (orm) => {
          const start = performance.now();
          const { total, entities } = await createPurge(orm, {
            pauseBetweenBatches: 0,
            brake: false,
            ...options,
          }).run();
          const seconds = (performance.now() - start) / 1_000;
          return { speed: total / seconds, batches: entities[0].batches };
        },
        proxy.url(server.url('items')),
      );
    };
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      const fixed = await run({ batchSize: LARGE });
      const adapted = await run({});
      rounds.push({ fixed, adapted, ratio: adapted.speed / fixed.speed });
    }
    await proxy.close();
    const middle = median(rounds.map(({ ratio }) => ratio));
    const { fixed, adapted } = rounds.find(({ ratio }) => ratio === middle);
    yield result(`rows/s at ${roundTrip} ms a round trip against batches of ${LARGE}`, middle, {
      atLeast: 0.8,
      details: `${Math.round(adapted.speed).toLocaleString('en')} rows/s in ${adapted.batches} batches against ${Math.round(fixed.speed).toLocaleString('en')} in ${fixed.batches}`,
    });
  }
}

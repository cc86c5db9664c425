import { median, result } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** Late batches take no longer than early ones, and memory does not grow with the rows. */
export async function* staysFlat({ server, withOrm, createPurge, rows }) {
  const due = rows(1_000_000);
  for (const layout of ['step', 'scattered']) {
    await server.create('template_items', createItems(due * 2, due, layout));
    for (const hasOldSnapshot of [false, true]) {
      await server.copy('items', 'template_items');
      const holder = await server.connect('items');
      if (hasOldSnapshot) {
        await holder.query('begin isolation level repeatable read; select count(*) from note');
      }
      const steps = [];
      let [first, peak] = [0, 0];
      await withOrm('items', async (orm) => {
        let at = performance.now();
        let before = 0;
        await createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run({
          onProgress: ({ total }) => {
            const now = performance.now();
            steps.push({ rows: total - before, ms: now - at });
            if (steps.length % 20 === 0) {
              globalThis.gc?.();
              const used = process.memoryUsage().heapUsed;
              first ||= used;
              peak = Math.max(peak, used);
            }
            at = performance.now();
            before = total;
          },
        });
      });
      await holder.end();
      // The first batches are smaller than the rest.
      const settled = steps.slice(Math.min(10, Math.floor(steps.length / 4)));
      const tenth = Math.max(1, Math.floor(settled.length / 10));
      // The median, so that one batch during which the machine was busy with something else says nothing.
      const perRow = (some) => median(some.map(({ ms, rows: n }) => ms / n));
      const how = `${layout === 'step' ? 'in step with the heap' : 'unrelated to the heap'}${hasOldSnapshot ? ', beside an old snapshot' : ''}`;
      yield result(
        `last tenth of the batches against the first over ${due.toLocaleString('en')} rows, ${how}`,
        perRow(settled.slice(-tenth)) / perRow(settled.slice(0, tenth)),
        { atMost: 1.25, details: `${steps.length} batches` },
      );
      yield result(`memory growth over ${due.toLocaleString('en')} rows, ${how}`, (peak - first) / 2 ** 20, {
        atMost: 20,
        unit: ' MB',
        digits: 1,
      });
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, result } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** How long a user who restores a due row waits for the purge, however large the backlog. */
export async function* usersWait({ server, withOrm, createPurge, rows }) {
  for (const due of [10_000, rows(1_000_000)]) {
    for (const layout of ['step', 'scattered']) {
      await server.create('items', createItems(due * 2, due, layout));
      const user = await server.connect('items');
      const waits = [];
      let restored = 0;
      const purge = { isOver: false };
      const { total } = await withOrm('items', async (orm) => {
        const run = createPurge(orm, { pauseBetweenBatches: 0, brake: false })
          .run()
          .finally(() => {
            purge.isOver = true;
          });
        while (!purge.isOver) {
          const id = 1 + Math.floor(Math.random() * due * (layout === 'step' ? 1 : 2));
          const start = performance.now();
          const { rowCount } = await user.query(
            `update item set deleted_at = null where id = ${id} and deleted_at is not null`,
          );
          waits.push(performance.now() - start);
          restored += rowCount;
          await sleep(1);
        }
        return run;
      });
      const { rows: left } = await user.query('select count(*)::int as due from item where deleted_at is not null');
      await user.end();
      if (left[0].due !== 0) {
        throw new Error(`${left[0].due} rows are left.`);
      }
      yield result(
        `longest wait of a user restoring due rows, ${due.toLocaleString('en')} due, ${layout === 'step' ? 'in step with the heap' : 'unrelated to the heap'}`,
        Math.max(...waits),
        {
          atMost: 100,
          unit: ' ms',
          digits: 0,
          details: `${waits.length} tries, ${restored} restored, ${total.toLocaleString('en')} purged, p99 ${quantile(waits, 0.99).toFixed(0)} ms`,
        },
      );
    }
  }
}

import { median, result, timed } from '../support/measure.mjs';

const ROUNDS = 11;

/** A flush that deletes softly takes less than twice as long as one that sets the timestamps by hand: both are the ORM's updates. */
export async function* flushesRemovals({ rows, openShop }) {
  const count = rows(10_000);
  const kinds = {
    softly: { softly: true, change: (em, line) => em.remove(line) },
    byHand: { softly: false, change: (_em, line) => (line.deletedAt = new Date()) },
    physically: { softly: false, change: (em, line) => em.remove(line) },
  };
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [kind, { softly, change }] of Object.entries(kinds)) {
      const shop = await openShop({ rows: count * 1.1, softly });
      const em = shop.orm.em.fork();
      const lines = await em.find(shop.Line, {}, { limit: count });
      const { ms } = await timed(async () => {
        lines.forEach((line) => change(em, line));
        await em.flush();
      });
      times[kind].push(ms);
      await shop.close();
    }
  }
  const [softly, byHand, physically] = Object.keys(kinds).map((kind) => median(times[kind]));
  yield result(
    `flush that removes ${count.toLocaleString('en')} loaded entities, against one that sets their timestamps by hand`,
    softly / byHand,
    {
      atMost: 2,
      details: `${softly.toFixed(0)} against ${byHand.toFixed(0)} ms, medians of ${ROUNDS}; the ORM removes them physically in ${physically.toFixed(0)} ms`,
    },
  );
}

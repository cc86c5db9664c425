import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median, result } from '../support/measure.mjs';

const ROUNDS = 201;
const WARM_UP = 60;

/** What is read, how often in one turn, and what the filter may cost against the condition written by hand without the package. */
const READS = {
  findOne: { what: 'findOne', times: 40, atMost: 1.25 },
  list: { what: 'list of 100 rows with collections', times: 6, atMost: 1.03 },
  find: { what: 'find of 1,000 rows', times: 1, atMost: 1.25 },
  populate: { what: 'find with a populated collection', times: 4, atMost: 1.25 },
};

/**
 * Reading under the filter takes as long as the condition written by hand, and as the same filter of the ORM alone.
 *
 * The readers are processes of their own, take turns, and count their processor time: what else a machine is busy with says nothing about
 * a few percent. The ratio is the median of those of the turns.
 */
export async function* readsActiveRows({ rows, openShop, server, libraryUrl }) {
  const shop = await openShop({ rows: rows(25_000), softly: true });
  await shop.orm.em.execute('update line set deleted_at = now() where id % 2 = 0');
  await shop.orm.em.execute('update order_ set deleted_at = now() where id % 2 = 0');
  const start = (way) => startReader([server.url('shop'), libraryUrl, way]);
  const readers = await Promise.all(['package', 'byHand', 'filter'].map(start));
  for (const [read, { what, times, atMost }] of Object.entries(READS)) {
    const turns = readers.map(() => []);
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (let i = 0; i < readers.length; i++) {
        const turn = (i + round + WARM_UP) % readers.length;
        const ms = await readers[turn].run(read, times);
        if (round >= 0) {
          turns[turn].push(ms);
        }
      }
    }
    const [filtered, written, alone] = turns;
    const compare = (others, limit, than) =>
      result(`${what}, against ${than}`, median(filtered.map((ms, i) => ms / others[i])), {
        ...limit,
        details: `${median(filtered).toFixed(3)} against ${median(others).toFixed(3)} ms of processor time, medians of ${ROUNDS} turns`,
      });
    yield compare(written, { atMost }, 'the condition written by hand without the package');
    yield compare(alone, { atMost }, "the ORM's own filter alone");
  }
  readers.forEach(({ stop }) => stop());
  await shop.close();
}

async function startReader(args) {
  const reader = fork(fileURLToPath(new URL('reader.mjs', import.meta.url)), args);
  reader.on('exit', (code) => {
    if (code) {
      throw new Error('A reader has failed.');
    }
  });
  const answer = async () => (await once(reader, 'message'))[0];
  await answer();
  return {
    run: async (read, times) => {
      const answered = answer();
      reader.send({ read, times });
      return (await answered).ms;
    },
    stop: () => reader.disconnect(),
  };
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median, result } from '../support/measure.mjs';

/** A process that has just started optimises by what it happens to run first, which is worth a tenth: several say more than one. */
const STARTS = 3;
const WARM_UP = 200;
const TURNS = 41;

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
 * a few percent. The ratio is the median of those of the turns, and of several starts.
 */
export async function* readsActiveRows({ rows, openShop, server, libraryUrl }) {
  const shop = await openShop({ rows: rows(25_000), softly: true });
  await shop.orm.em.execute('update line set deleted_at = now() where id % 2 = 0');
  await shop.orm.em.execute('update order_ set deleted_at = now() where id % 2 = 0');
  const measured = Object.fromEntries(Object.keys(READS).map((read) => [read, []]));
  for (let start = 0; start < STARTS; start++) {
    const readers = await Promise.all(
      ['package', 'byHand', 'filter'].map((way) => startReader([server.url('shop'), libraryUrl, way])),
    );
    for (const [read, { times }] of Object.entries(READS)) {
      measured[read].push(await takeTurns(readers, read, times));
    }
    readers.forEach(({ stop }) => stop());
  }
  for (const [read, { what, atMost }] of Object.entries(READS)) {
    const compare = (index, than) => {
      const ratio = (turns) => median(turns[0].map((ms, i) => ms / turns[index][i]));
      const ms = (which) => median(measured[read].map((turns) => median(turns[which]))).toFixed(3);
      return result(`${what}, against ${than}`, median(measured[read].map(ratio)), {
        atMost,
        details: `${ms(0)} against ${ms(index)} ms of processor time, medians of ${STARTS} starts with ${TURNS} turns`,
      });
    };
    yield compare(1, 'the condition written by hand without the package');
    yield compare(2, "the ORM's own filter alone");
  }
  await shop.close();
}

/** @returns the milliseconds of each reader in each turn */
async function takeTurns(readers, read, times) {
  const taken = readers.map(() => []);
  for (let turn = -WARM_UP; turn < TURNS; turn++) {
    for (let i = 0; i < readers.length; i++) {
      const reader = (i + turn + WARM_UP) % readers.length;
      const ms = await readers[reader].run(read, times);
      if (turn >= 0) {
        taken[reader].push(ms);
      }
    }
  }
  return taken;
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

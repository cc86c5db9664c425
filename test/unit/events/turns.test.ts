import { setImmediate } from 'node:timers/promises';
import { Turns } from '../../../lib/events/turns.js';

describe(Turns.name, () => {
  const transaction = {};
  let turns: Turns;
  let log: string[];

  beforeEach(() => {
    turns = new Turns();
    log = [];
  });

  const work = (name: string, inside: () => Promise<unknown> = () => setImmediate()) =>
    turns.take(transaction, async () => {
      log.push(`${name} begins`);
      await inside();
      log.push(`${name} ends`);
    });

  it('runs one after the other, in the order in which they were asked for', async () => {
    await Promise.all([work('a'), work('b'), work('c')]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('goes on after one that failed', async () => {
    const failing = work('a', () => Promise.reject(new Error('no')));
    const other = work('b');
    await expect(failing).rejects.toThrow('no');
    await other;
    expect(log).toEqual(['a begins', 'b begins', 'b ends']);
  });

  it('runs what is asked for within a turn within it, one after the other', async () => {
    await Promise.all([work('a', () => Promise.all([work('a1', () => work('a11')), work('a2')])), work('b')]);
    expect(log.join()).toBe('a begins,a1 begins,a11 begins,a11 ends,a1 ends,a2 begins,a2 ends,a ends,b begins,b ends');
  });

  it('does not let the next one begin before what was asked for within a turn has ended', async () => {
    let late: Promise<unknown> | undefined;
    await work('a', async () => {
      late = work('not waited for');
    });
    await work('b');
    await late;
    expect(log.slice(-3)).toEqual(['not waited for ends', 'b begins', 'b ends']);
  });

  it('takes what outlives its turn for anything else', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let outlived: Promise<unknown> | undefined;
    await work('a', async () => {
      outlived = released.then(() => work('later'));
    });
    const other = work('b', async () => {
      release();
      await setImmediate();
    });
    await Promise.all([other, outlived]);
    expect(log.slice(2)).toEqual(['b begins', 'b ends', 'later begins', 'later ends']);
  });

  it('keeps transactions apart', async () => {
    await work('a', () => turns.take({}, () => work('a1')));
    await Promise.all([work('b', () => turns.take({}, async () => log.push('other'))), turns.take({}, setImmediate)]);
    expect(log).toContain('other');
  });
});

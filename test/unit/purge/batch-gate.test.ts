import { jest } from '@jest/globals';
import type { PurgeThrottle, PurgeThrottleDatabase, PurgeThrottleState } from '../../../lib/options/purge-throttle.js';
import type { PurgeConnection } from '../../../lib/purge/connection/purge-connection.js';
import { BatchGate, type GatedRun } from '../../../lib/purge/run/batch-gate.js';
import { StopSignal } from '../../../lib/purge/run/stop-signal.js';

const user: GatedRun = { name: 'User', table: '"user"', purged: 40 };
const post: GatedRun = { name: 'Post', table: '"post"', purged: 7 };

describe(BatchGate.name, () => {
  const read = jest.fn<(sql: string) => Promise<unknown[]>>();
  const connection = { quote: (text: string) => `'${text}'`, read } as unknown as PurgeConnection;
  const create = (throttles: PurgeThrottle[], maxRows?: number, stop = new StopSignal(undefined, undefined)) =>
    new BatchGate({ throttles, maxRows }, [user, post], connection, stop);

  it('lets a batch of any size pass without throttles and a limit', async () => {
    await expect(create([]).pass(user, 10_000)).resolves.toBe(10_000);
  });

  it.each([
    [100, 100, 53],
    [10, 100, 10],
    [53, 100, 53],
    [100, 48, 1],
  ])('lets a batch of %d rows of a run of at most %d remove %d', async (size, maxRows, left) => {
    await expect(create([], maxRows).pass(post, size)).resolves.toBe(left);
  });

  it.each([47, 46, 0])('ends a run at its limit, of %d rows, whichever entity they are of', async (maxRows) => {
    await expect(create([], maxRows).pass(post, 10)).rejects.toMatchObject({ reason: 'row-limit' });
  });

  it('asks no throttle where the limit or the signal ends the run', async () => {
    const throttle = jest.fn<PurgeThrottle>();
    await expect(create([throttle], 47).pass(user, 1)).rejects.toMatchObject({ reason: 'row-limit' });
    const stopped = new StopSignal(undefined, AbortSignal.abort());
    await expect(create([throttle], 100, stopped).pass(user, 1)).rejects.toMatchObject({ reason: 'aborted' });
    expect(throttle).not.toHaveBeenCalled();
  });

  it('tells a throttle the entity, what is removed of it, and how long its own last batch took', async () => {
    const states: PurgeThrottleState[] = [];
    const databases: PurgeThrottleDatabase[] = [];
    const gate = create([
      (state, database) => {
        states.push(state);
        databases.push(database);
        return 'go';
      },
    ]);
    await gate.pass(user, 10);
    gate.took(user, 41.6);
    gate.took(post, 12.2);
    await gate.pass(user, 10);
    await gate.pass(post, 10);
    expect(states).toEqual([
      { entity: 'User', purged: 40, batchMs: 0 },
      { entity: 'User', purged: 40, batchMs: 42 },
      { entity: 'Post', purged: 7, batchMs: 12 },
    ]);
    expect(databases.map(({ table }) => table)).toEqual(['"user"', '"user"', '"post"']);
    read.mockResolvedValueOnce([{ one: 1 }]);
    expect(databases[0]!.quote("it's")).toBe("'it's'");
    await expect(databases[0]!.read('select 1 as one')).resolves.toEqual([{ one: 1 }]);
    expect(read).toHaveBeenCalledWith('select 1 as one');
  });

  it('waits longer each time that a throttle asks for it, up to five seconds', async () => {
    const stop = new StopSignal(undefined, undefined);
    const pauses: number[] = [];
    jest.spyOn(stop, 'pause').mockImplementation(async (milliseconds) => void pauses.push(milliseconds));
    let asked = 0;
    await create([() => (++asked < 10 ? 'wait' : 'go')], undefined, stop).pass(user, 1);
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });

  it('obeys the strictest of several throttles, and asks none after a stop', async () => {
    const stop = new StopSignal(undefined, undefined);
    const pause = jest.spyOn(stop, 'pause').mockResolvedValue(undefined);
    let rounds = 0;
    await create([() => (++rounds === 1 ? 'wait' : 'go'), () => 'go'], undefined, stop).pass(user, 1);
    expect([rounds, pause.mock.calls.length]).toEqual([2, 1]);
    const last = jest.fn<PurgeThrottle>();
    await expect(create([() => 'wait', () => 'stop', last], undefined, stop).pass(user, 1)).rejects.toMatchObject({
      reason: 'throttled',
    });
    expect(last).not.toHaveBeenCalled();
  });

  it('ends the wait as soon as the run is told to stop', async () => {
    const controller = new AbortController();
    const stop = new StopSignal(undefined, controller.signal);
    const waiting = create([() => 'wait'], undefined, stop).pass(user, 1);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'aborted' });
  });

  it('does not go on while a throttle has not answered, however long that takes', async () => {
    const controller = new AbortController();
    const stop = new StopSignal(undefined, controller.signal);
    const waiting = create([() => new Promise<'go'>(() => undefined)], undefined, stop).pass(user, 1);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'aborted' });
  });

  it.each([undefined, true, 'GO', 0])('refuses %p, which is no answer, and names the entity', async (answer) => {
    await expect(create([() => answer as never]).pass(post, 1)).rejects.toMatchObject({
      name: 'PurgeThrottleError',
      entity: 'Post',
      message: expect.stringContaining('Post'),
    });
  });

  it('tells what a throttle has thrown, at once or later', async () => {
    const cause = new Error('no replica');
    for (const throttle of [
      () => {
        throw cause;
      },
      async () => Promise.reject(cause),
    ]) {
      await expect(create([throttle]).pass(post, 1)).rejects.toMatchObject({
        name: 'PurgeThrottleError',
        cause,
        message: expect.stringContaining('no replica'),
      });
    }
  });
});

import { jest } from '@jest/globals';
import { StoppedError, StopSignal } from '../../../lib/purge/run/stop-signal.js';

const never = new Promise<never>(() => undefined);

describe(StopSignal.name, () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('has no reason to stop without a budget and a signal', async () => {
    const stop = new StopSignal(undefined, undefined);
    expect(jest.getTimerCount()).toBe(0);
    expect(stop.reason).toBeUndefined();
    expect(() => stop.throwIfStopped()).not.toThrow();
    expect(await stop.race(Promise.resolve('done'))).toBe('done');
    await expect(stop.race(Promise.reject(new RangeError('out of range')))).rejects.toThrow(RangeError);
  });

  it('stops when its time is up, in the middle of a piece of work', async () => {
    const stop = new StopSignal(1_000, undefined);
    const waiting = stop.race(never).catch((error: unknown) => error);
    jest.advanceTimersByTime(999);
    expect(stop.reason).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await waiting).toMatchObject({ reason: 'time-budget' });
    expect(stop.reason).toBe('time-budget');
    expect(() => stop.throwIfStopped()).toThrow(StoppedError);
  });

  it('stops when it is told to, and begins nothing afterwards', async () => {
    const controller = new AbortController();
    const stop = new StopSignal(undefined, controller.signal);
    const waiting = stop.race(never).catch((error: unknown) => error);
    controller.abort();
    expect(await waiting).toMatchObject({ reason: 'aborted' });
    await expect(stop.race(never)).rejects.toMatchObject({ reason: 'aborted' });
    expect(() => stop.throwIfStopped()).toThrow('The purge was stopped: aborted.');
  });

  it('waits for work that must not be left alone, whether it stops before or meanwhile', async () => {
    const controller = new AbortController();
    const stop = new StopSignal(undefined, controller.signal);
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = stop.race(promise, () => false);
    controller.abort();
    resolve('done');
    expect(await waiting).toBe('done');
    expect(await stop.race(Promise.resolve('as well'), () => false)).toBe('as well');
  });

  it('ends a pause early, and makes none of no length or when it has stopped', async () => {
    const controller = new AbortController();
    const stop = new StopSignal(undefined, controller.signal);
    await stop.pause(0);
    const waiting = stop.pause(2 ** 30);
    controller.abort();
    await waiting;
    await stop.pause(2 ** 30);
  });

  it('leaves no timer behind', () => {
    const stop = new StopSignal(60_000, undefined);
    expect(jest.getTimerCount()).toBe(1);
    stop.dispose();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sets no timer that would go off at once, of a budget longer than one can be', () => {
    const stop = new StopSignal(2 ** 31, undefined);
    expect(jest.getTimerCount()).toBe(0);
    expect(stop.reason).toBeUndefined();
  });
});

import { performance } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import { WorkClock } from '../../../lib/purge/connection/work-clock.js';

describe(WorkClock.name, () => {
  let now: number;
  beforeEach(() => {
    now = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => jest.restoreAllMocks());

  it('takes all of the time for work where nothing was asked of the database', () => {
    const clock = new WorkClock();
    const lap = clock.start();
    now += 40;
    expect(lap()).toEqual({ worked: 40, network: 0 });
  });

  it('takes what the fastest trip took for the part of the network, of each trip since it began', () => {
    const clock = new WorkClock();
    clock.answered(2);
    const lap = clock.start();
    clock.answered(30);
    clock.answered(2);
    clock.answered(60);
    now += 92;
    const { worked, network } = lap();
    // A little more than two, since the network may have become slower.
    expect(network).toBeCloseTo(3 * 2 * 1.01, 5);
    expect(worked).toBeCloseTo(92 - network, 5);
  });

  it('notices a faster network at once, and a slower one in time', () => {
    const clock = new WorkClock();
    const trip = () => {
      const lap = clock.start();
      clock.answered(10);
      now += 10;
      return lap().network;
    };
    clock.answered(1);
    expect(trip()).toBeCloseTo(1.01, 5);
    for (let i = 0; i < 300; i++) {
      trip();
    }
    expect(trip()).toBe(10);
    clock.answered(1);
    expect(trip()).toBeCloseTo(1.01, 5);
  });

  it('does not take waiting for work, whenever it was before', () => {
    const clock = new WorkClock();
    clock.waited(500);
    const lap = clock.start();
    clock.waited(30);
    now += 40;
    expect(lap()).toEqual({ worked: 10, network: 0 });
  });

  it('is never less than nothing', () => {
    const clock = new WorkClock();
    const lap = clock.start();
    clock.answered(5);
    clock.waited(10);
    now += 5;
    expect(lap()).toEqual({ worked: 0, network: 5 });
  });
});

import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { PurgeScheduler } from '../../../lib/schedule/purge.scheduler.js';

describe(PurgeScheduler, () => {
  const IN_A_MINUTE = 59_999;

  it('keeps no process alive for a run that makes up for a missed tick', async () => {
    Logger.overrideLogger(false);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const purge = { run: jest.fn<never>(), lag: async () => ({ at: new Date(), entities: [{ overdueBy: 1e12 }] }) };
    const schedule = { jobName: 'purge', cron: '0 3 * * *', timeZone: undefined };
    const registry = new SchedulerRegistry();
    const scheduler = new PurgeScheduler(purge as never, schedule, { get: () => registry as never }, () => IN_A_MINUTE);
    try {
      await scheduler.onModuleInit();
      scheduler.onApplicationBootstrap();
      await new Promise(setImmediate);
      const index = timers.mock.calls.findIndex(([, delay]) => delay === IN_A_MINUTE);
      const timer = timers.mock.results[index]?.value as NodeJS.Timeout;
      expect(timer.hasRef()).toBe(false);
    } finally {
      await scheduler.onModuleDestroy();
      timers.mockRestore();
      Logger.overrideLogger(undefined as never);
    }
    expect(purge.run).not.toHaveBeenCalled();
  });
});

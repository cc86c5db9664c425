import { createRequire } from 'node:module';
import type { Type } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';

/** A job of the `cron` package. @internal */
export type CronJob = Parameters<SchedulerRegistry['addCronJob']>[1];

interface CronJobClass {
  from(options: {
    name: string;
    cronTime: string;
    timeZone: string | undefined;
    threshold: number;
    onTick: () => void;
  }): CronJob;
}

/** @internal */
export interface ScheduleLibrary {
  readonly SchedulerRegistry: Type<SchedulerRegistry>;
  readonly CronJob: CronJobClass;
}

/**
 * `@nestjs/schedule`, which only applications with a schedule have installed, and the `cron` package that it brings along: from
 * there and nowhere else, since a strict installer hides it from this package and a flat one may offer another version.
 *
 * @throws Error if it is not installed
 * @internal
 */
export async function loadSchedule(): Promise<ScheduleLibrary> {
  const { SchedulerRegistry } = await import('@nestjs/schedule');
  const resolved = createRequire(import.meta.url).resolve('@nestjs/schedule');
  const { CronJob } = createRequire(resolved)('cron') as { CronJob: CronJobClass };
  return { SchedulerRegistry, CronJob };
}

import { Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { SchedulerRegistry } from '@nestjs/schedule';
import type { ErasureService } from '../compliance/erasure/erasure.service.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type CronJob, loadSchedule, type ScheduleLibrary } from './load-schedule.js';

/** @internal */
export interface ErasureSchedule {
  readonly jobName: string;
  readonly cron: string;
  readonly timeZone: string | undefined;
}

/**
 * Carries out erasures when its cron job ticks, never twice at a time in one process. The application waits for the run under way when it
 * closes.
 *
 * @internal
 */
export class ErasureScheduler implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger: Logger;
  #registry?: SchedulerRegistry;
  #job?: CronJob;
  #running: Promise<void> | undefined;

  constructor(
    private readonly erasures: Pick<ErasureService, 'run'>,
    private readonly schedule: ErasureSchedule,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#logger = new Logger(schedule.jobName);
  }

  /** @throws SoftDeleteConfigError if the expression is not one, or the application has no scheduler */
  async onModuleInit(): Promise<void> {
    const library = await this.#load();
    this.#job = this.#createJob(library);
    try {
      this.#registry = this.moduleRef.get(library.SchedulerRegistry, { strict: false });
    } catch {
      throw this.#without(
        'the application has no ScheduleModule.',
        'Import ScheduleModule.forRoot() from @nestjs/schedule in the root module.',
      );
    }
  }

  onApplicationBootstrap(): void {
    this.#registry!.addCronJob(this.schedule.jobName, this.#job!);
    this.#job!.start();
  }

  async onModuleDestroy(): Promise<void> {
    void this.#job?.stop();
    await this.#running;
  }

  async #load(): Promise<ScheduleLibrary> {
    try {
      return await loadSchedule(this.schedule.cron);
    } catch {
      throw this.#without(
        '@nestjs/schedule could not be loaded.',
        'Install it (npm install @nestjs/schedule) and import ScheduleModule.forRoot() in the root module.',
      );
    }
  }

  #createJob({ CronJob }: ScheduleLibrary): CronJob {
    const { jobName: name, cron: cronTime, timeZone } = this.schedule;
    try {
      // By default a job that finds itself more than 250 ms late skips the tick.
      const threshold = Number.MAX_SAFE_INTEGER;
      const job = CronJob.from({ name, cronTime, timeZone, threshold, onTick: () => this.#tick() });
      job.nextDate();
      return job;
    } catch {
      throw new SoftDeleteConfigError(
        'erasure.cron',
        `${JSON.stringify(cronTime)}${timeZone ? ` in ${JSON.stringify(timeZone)}` : ''} is not a cron expression that ever comes due.`,
        "Write for example '30 3 * * *' for every night at half past three.",
      );
    }
  }

  #without(problem: string, advice: string): SoftDeleteConfigError {
    return new SoftDeleteConfigError(
      'erasure.cron',
      `it is ${JSON.stringify(this.schedule.cron)}, but ${problem}`,
      `${advice} Or leave it out and call ErasureService.run() yourself.`,
    );
  }

  /** What comes due while a run is under way waits for the next tick. */
  #tick(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    try {
      const certificates = await this.erasures.run();
      const partial = certificates.filter(({ outcome }) => outcome === 'partial').length;
      if (certificates.length > 0) {
        this.#logger.log(`${certificates.length - partial} erasures completed, ${partial} partial.`);
      }
    } catch (error) {
      this.#logger.error(
        'Erasures have failed. The next run tries them again.',
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
    }
  }
}

import type { ModuleRef } from '@nestjs/core';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { firstLine } from '../errors/text/first-line.js';
import { type CronJob, loadSchedule, type ScheduleLibrary } from './load-schedule.js';

/** @internal */
export interface JobSchedule {
  readonly jobName: string;
  readonly cron: string;
  readonly timeZone: string | undefined;
}

/** How a job that cannot be scheduled is reported. @internal */
export interface ScheduleErrors {
  /** The option that holds the expression. */
  readonly option: string;
  /** What to write instead of an expression that is none. */
  readonly example: string;
  /** The application has no scheduler. */
  withoutScheduler(problem: string, advice: string, options?: ErrorOptions): Error;
}

/**
 * A cron job of the application's scheduler.
 *
 * @internal
 */
export class ScheduledJob {
  #registry?: SchedulerRegistry;
  #job?: CronJob;

  constructor(
    private readonly schedule: JobSchedule,
    private readonly moduleRef: Pick<ModuleRef, 'get'>,
    private readonly errors: ScheduleErrors,
    private readonly onTick: () => void,
  ) {}

  /**
   * Makes the job ready to start.
   *
   * @throws SoftDeleteConfigError if the expression is not one
   */
  async prepare(): Promise<void> {
    const library = await this.#load();
    this.#job = this.#createJob(library);
    this.#registry = this.#findRegistry(library);
  }

  /** @returns the job, which ticks from now on */
  start(): CronJob {
    this.#registry!.addCronJob(this.schedule.jobName, this.#job!);
    this.#job!.start();
    return this.#job!;
  }

  stop(): void {
    void this.#job?.stop();
  }

  async #load(): Promise<ScheduleLibrary> {
    try {
      return await loadSchedule();
    } catch (cause) {
      throw this.errors.withoutScheduler(
        '@nestjs/schedule could not be loaded.',
        'Install it (npm install @nestjs/schedule) and import ScheduleModule.forRoot() in the root module.',
        { cause },
      );
    }
  }

  #createJob({ CronJob }: ScheduleLibrary): CronJob {
    const { jobName: name, cron: cronTime, timeZone } = this.schedule;
    try {
      // By default a job that finds itself more than 250 ms late skips the tick. Better late than not at all.
      const threshold = Number.MAX_SAFE_INTEGER;
      const job = CronJob.from({ name, cronTime, timeZone, threshold, onTick: this.onTick });
      job.nextDate();
      return job;
    } catch (error) {
      throw new SoftDeleteConfigError(
        this.errors.option,
        `${JSON.stringify(cronTime)} is not a cron expression that ever comes due (${firstLine(error)}).`,
        this.errors.example,
      );
    }
  }

  #findRegistry({ SchedulerRegistry }: ScheduleLibrary): SchedulerRegistry {
    try {
      return this.moduleRef.get(SchedulerRegistry, { strict: false });
    } catch {
      throw this.errors.withoutScheduler(
        'the application has no ScheduleModule.',
        'Import ScheduleModule.forRoot() from @nestjs/schedule in the root module.',
      );
    }
  }
}

import { Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { PurgeScheduleError } from '../errors/purge-schedule.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { PurgeService } from '../purge/purge.service.js';
import { describePurgeReport } from './describe-purge-report.js';
import { type CronJob, loadSchedule, type ScheduleLibrary } from './load-schedule.js';

/** @internal */
export interface PurgeSchedule {
  readonly jobName: string;
  readonly cron: string;
  readonly timeZone: string | undefined;
}

/**
 * Runs the purge when its cron job ticks, never twice at a time in one process, until the application closes.
 *
 * @internal
 */
export class PurgeScheduler implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger: Logger;
  #registry?: SchedulerRegistry;
  #job?: CronJob;
  #isRunning = false;
  #isDueAgain = false;

  constructor(
    private readonly purge: Pick<PurgeService, 'run'>,
    private readonly schedule: PurgeSchedule,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#logger = new Logger(schedule.jobName);
  }

  /**
   * @throws SoftDeleteConfigError if the expression is not one
   * @throws PurgeScheduleError if the application has no scheduler
   */
  async onModuleInit(): Promise<void> {
    const library = await loadSchedule(this.schedule.cron);
    this.#job = this.#createJob(library);
    this.#registry = this.#findRegistry(library);
  }

  onApplicationBootstrap(): void {
    this.#registry!.addCronJob(this.schedule.jobName, this.#job!);
    this.#job!.start();
  }

  /** No more ticks. The run under way ends with the service, which the application waits for. */
  onModuleDestroy(): void {
    void this.#job?.stop();
    this.#isDueAgain = false;
  }

  #createJob({ CronJob }: ScheduleLibrary): CronJob {
    const { jobName: name, cron: cronTime, timeZone } = this.schedule;
    try {
      // By default a job that finds itself more than 250 ms late skips the tick. A purge is better late than not at all.
      const threshold = Number.MAX_SAFE_INTEGER;
      const job = CronJob.from({ name, cronTime, timeZone, threshold, onTick: () => this.#tick() });
      job.nextDate();
      return job;
    } catch (error) {
      throw new SoftDeleteConfigError(
        'purge.cron',
        `${JSON.stringify(cronTime)} is not a cron expression that ever comes due (${firstLine(error)}).`,
        "Write for example '0 3 * * *' for every night at three, or '*/15 * * * *' for every quarter of an hour.",
      );
    }
  }

  #findRegistry({ SchedulerRegistry }: ScheduleLibrary): SchedulerRegistry {
    try {
      return this.moduleRef.get(SchedulerRegistry, { strict: false });
    } catch {
      throw new PurgeScheduleError(
        this.schedule.cron,
        'the application has no ScheduleModule.',
        'Import ScheduleModule.forRoot() from @nestjs/schedule in the root module.',
      );
    }
  }

  /** A tick that comes while a run is under way is served after it: the run may have passed the rows that came due since. */
  #tick(): void {
    this.#isDueAgain = true;
    if (!this.#isRunning) {
      void this.#runWhileDue();
    }
  }

  async #runWhileDue(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDueAgain) {
      this.#isDueAgain = false;
      await this.#run();
    }
    this.#isRunning = false;
  }

  async #run(): Promise<void> {
    try {
      const report = await this.purge.run();
      const line = describePurgeReport(report);
      report.entities.forEach(({ error }) => error !== undefined && this.#logger.warn(error));
      if (report.entities.some(({ failed }) => failed > 0)) {
        this.#logger.warn(line);
      } else {
        this.#logger.log(line);
      }
    } catch (error) {
      this.#logger.error('The purge failed. The next run goes on where this one ended.', stackOf(error));
    }
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .split('\n', 1)[0]!
    .trim();
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

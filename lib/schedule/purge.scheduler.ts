import { Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { PurgeScheduleError } from '../errors/purge-schedule.error.js';
import { firstLine } from '../errors/text/first-line.js';
import { stackOf } from '../errors/text/stack-of.js';
import type { PurgeService } from '../purge/purge.service.js';
import { describePurgeReport } from './describe-purge-report.js';
import type { PurgeLagOptions } from '../purge/status/purge-lag.js';
import { longestPeriod } from './longest-period.js';
import type { CronJob } from './load-schedule.js';
import { type JobSchedule, ScheduledJob } from './scheduled-job.js';

/** Within how many milliseconds a run begins that makes up for a tick which nobody was there for. */
const MAKES_UP_WITHIN = 60_000;

/**
 * Runs the purge when its cron job ticks, never twice at a time in one process, until the application closes. Where a tick was missed,
 * because no process ran at the time, a run soon after the start makes up for it.
 *
 * @internal
 */
export class PurgeScheduler implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger: Logger;
  readonly #job: ScheduledJob;
  #isRunning = false;
  #isDueAgain = false;
  #isClosed = false;
  #makesUp?: NodeJS.Timeout;
  /** What is being asked of the database: it must not go on while the ORM closes. */
  #asking: Promise<unknown> = Promise.resolve();

  /** @param delay - how many milliseconds after the start a missed tick is made up for, so that instances do not begin together */
  constructor(
    private readonly purge: Pick<PurgeService, 'run' | 'lag'>,
    schedule: JobSchedule,
    moduleRef: Pick<ModuleRef, 'get'>,
    private readonly delay = () => Math.random() * MAKES_UP_WITHIN,
  ) {
    this.#logger = new Logger(schedule.jobName);
    const errors = {
      option: 'purge.cron',
      example:
        "Write for example '0 3 * * *' for every night at three, or '*/15 * * * *' for every quarter of an hour.",
      withoutScheduler: (problem: string, advice: string, options?: ErrorOptions) =>
        new PurgeScheduleError(schedule.cron, problem, advice, options),
    };
    this.#job = new ScheduledJob(schedule, moduleRef, errors, () => this.#tick());
  }

  /**
   * @throws SoftDeleteConfigError if the expression is not one
   * @throws PurgeScheduleError if the application has no scheduler
   */
  onModuleInit(): Promise<void> {
    return this.#job.prepare();
  }

  onApplicationBootstrap(): void {
    this.#asking = this.#planMakingUp(this.#job.start());
  }

  /** No more ticks. The run under way ends with the service, which the application waits for. */
  async onModuleDestroy(): Promise<void> {
    this.#job.stop();
    this.#isDueAgain = false;
    this.#isClosed = true;
    clearTimeout(this.#makesUp);
    await this.#asking;
  }

  /** Asks for little at the start, when all instances may do so, and closer when the time has come: another one may have purged by then. */
  async #planMakingUp(job: CronJob): Promise<void> {
    if (await this.#isBehind(job, {})) {
      const makeUp = async (): Promise<void> => {
        if (await this.#isBehind(job, { unblocked: true })) {
          this.#logger.log('Rows should have been purged while nothing ran. A run makes up for it.');
          this.#tick();
        }
      };
      this.#makesUp = setTimeout(() => {
        this.#asking = makeUp();
      }, this.delay());
      this.#makesUp.unref();
    }
  }

  /** Whether something is due that a tick before the last one should have removed. */
  async #isBehind(job: CronJob, options: PurgeLagOptions): Promise<boolean> {
    try {
      const { entities } = this.#isClosed ? { entities: [] } : await this.purge.lag(options);
      const period = longestPeriod(job);
      return !this.#isClosed && entities.some(({ overdueBy }) => overdueBy > period);
    } catch (error) {
      if (!this.#isClosed) {
        this.#logger.warn(`Whether a purge was missed cannot be told: ${firstLine(error)}`);
      }
      return false;
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

import { Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { ErasureService } from '../compliance/erasure/erasure.service.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { stackOf } from '../errors/text/stack-of.js';
import { type JobSchedule, ScheduledJob } from './scheduled-job.js';

/**
 * Carries out erasures when its cron job ticks, never twice at a time in one process. The application waits for the run under way when it
 * closes.
 *
 * @internal
 */
export class ErasureScheduler implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger: Logger;
  readonly #job: ScheduledJob;
  #running: Promise<void> | undefined;

  constructor(
    private readonly erasures: Pick<ErasureService, 'run'>,
    schedule: JobSchedule,
    moduleRef: ModuleRef,
  ) {
    this.#logger = new Logger(schedule.jobName);
    const option = 'erasure.cron';
    const errors = {
      option,
      example: "Write for example '30 3 * * *' for every night at half past three.",
      withoutScheduler: (problem: string, advice: string) =>
        new SoftDeleteConfigError(
          option,
          `it is ${JSON.stringify(schedule.cron)}, but ${problem}`,
          `${advice} Or leave it out and call ErasureService.run() yourself.`,
        ),
    };
    this.#job = new ScheduledJob(schedule, moduleRef, errors, () => this.#tick());
  }

  /** @throws SoftDeleteConfigError if the expression is not one, or the application has no scheduler */
  onModuleInit(): Promise<void> {
    return this.#job.prepare();
  }

  onApplicationBootstrap(): void {
    this.#job.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.#job.stop();
    await this.#running;
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
      this.#logger.error('Erasures have failed. The next run tries them again.', stackOf(error));
    }
  }
}

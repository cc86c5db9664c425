import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { PurgeReport } from '../purge/purge-report.js';
import { PurgeService } from '../purge/purge.service.js';
import type { ResolvedRunOptions } from '../purge/run/resolve-run-options.js';

/**
 * The purge of a Nest application: a run ends with the application, whoever started it, and the application waits for the
 * batch under way.
 *
 * @internal
 */
export class ApplicationPurgeService extends PurgeService implements OnModuleInit, OnModuleDestroy {
  readonly #shutdown = new AbortController();
  readonly #runs = new Set<Promise<PurgeReport>>();

  protected override async perform(resolved: ResolvedRunOptions, isJob = false): Promise<PurgeReport> {
    const { signal } = resolved;
    const signals = signal ? [signal, this.#shutdown.signal] : [this.#shutdown.signal];
    const run = super.perform({ ...resolved, signal: AbortSignal.any(signals) }, isJob);
    this.#runs.add(run);
    try {
      return await run;
    } finally {
      this.#runs.delete(run);
    }
  }

  /** How far behind the purge is matters most where nothing has run yet. */
  onModuleInit(): Promise<void> {
    return this.telemetry.observe();
  }

  async onModuleDestroy(): Promise<void> {
    this.#shutdown.abort();
    await this.telemetry.close();
    await Promise.allSettled(this.#runs);
  }
}

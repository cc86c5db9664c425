import type { PurgeReport } from '../purge-report.js';
import { PurgeInterruptedError } from '../run/purge-interrupted.error.js';
import { loadTelemetry } from './load-telemetry.js';
import { type LagReader, observeOverdue } from './observe-overdue.js';
import { RunTelemetry } from './run-telemetry.js';

/**
 * What one purge tells OpenTelemetry: nothing where the application has not installed its API.
 *
 * @internal
 */
export class PurgeTelemetry {
  #observed: Promise<(() => void) | undefined> | undefined;

  /** @param contextName - of the ORM */
  constructor(
    private readonly purge: LagReader,
    private readonly contextName: string,
  ) {}

  /** Measures from now on how far behind the purge is. */
  async observe(): Promise<void> {
    this.#observed ??= loadTelemetry().then((api) => api && observeOverdue(api, this.purge, this.#context));
    await this.#observed;
  }

  /** Carries out a run, and tells about it. */
  async run(work: (telemetry: RunTelemetry | undefined) => Promise<PurgeReport>): Promise<PurgeReport> {
    const api = await loadTelemetry();
    if (!api) {
      return work(undefined);
    }
    const telemetry = new RunTelemetry(api, this.#context);
    try {
      const report = await telemetry.within(() => work(telemetry));
      telemetry.end(report);
      return report;
    } catch (error) {
      telemetry.end(error instanceof PurgeInterruptedError ? error.report : undefined, error);
      throw error;
    }
  }

  async close(): Promise<void> {
    (await this.#observed)?.();
  }

  get #context(): string | undefined {
    return this.contextName === 'default' ? undefined : this.contextName;
  }
}

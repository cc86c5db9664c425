import type { ObservableResult } from '@opentelemetry/api';
import type { PurgeLag } from '../status/purge-lag.js';
import { SCOPE } from './instruments.js';
import type { TelemetryApi } from './load-telemetry.js';

/** What tells how far behind a purge is. @internal */
export interface LagReader {
  /** Nothing where its ORM is not connected: a query would connect it again after it was closed, and to another database. */
  lagWhileConnected(): Promise<PurgeLag | undefined>;
}

/**
 * Measures how far behind a purge is whenever metrics are collected: it matters most while nothing runs. Does not keep the purge in
 * memory.
 *
 * @param context - of the ORM, if it has a name
 * @returns what ends it
 * @internal
 */
export function observeOverdue({ metrics }: TelemetryApi, purge: LagReader, context: string | undefined): () => void {
  const reference = new WeakRef(purge);
  const gauge = metrics.getMeter(SCOPE).createObservableGauge('soft_delete.purge.overdue.time', {
    unit: 's',
    description: 'How long ago the oldest due row of the entity came due, blocked or not.',
  });
  const observe = async (result: ObservableResult): Promise<void> => {
    const reader = reference.deref();
    if (!reader) {
      gauge.removeCallback(observe);
      return;
    }
    // A database that does not answer is measured by others.
    const lag = await reader.lagWhileConnected().catch(() => undefined);
    for (const [entity, places] of Map.groupBy(lag?.entities ?? [], (each) => each.entity)) {
      result.observe(Math.max(...places.map(({ overdueBy }) => overdueBy)) / 1_000, {
        'soft_delete.entity': entity,
        ...(context === undefined ? {} : { 'soft_delete.context': context }),
      });
    }
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

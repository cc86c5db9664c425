import type { Counter, Gauge, Histogram } from '@opentelemetry/api';
import type { TelemetryApi } from './load-telemetry.js';

/** The name under which traces and metrics are told. @internal */
export const SCOPE = 'nestjs-mikro-orm-soft-delete';

/** In seconds: a batch aims at a twentieth of one. */
const OF_BATCHES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** In seconds. */
const OF_RUNS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400];

/** What a purge is measured by. @internal */
export interface PurgeInstruments {
  readonly rows: Counter;
  readonly batchDuration: Histogram;
  readonly runDuration: Histogram;
  readonly blocked: Gauge;
  readonly lastSuccess: Gauge;
}

/**
 * The instruments, from the meter provider that is there now: asked for before the SDK was started, they would come to nothing for good.
 *
 * @internal
 */
export function createInstruments({ metrics }: TelemetryApi): PurgeInstruments {
  const meter = metrics.getMeter(SCOPE);
  return {
    rows: meter.createCounter('soft_delete.purge.rows', {
      unit: '{row}',
      description: 'Rows of soft-deletable entities that were removed.',
    }),
    batchDuration: meter.createHistogram('soft_delete.purge.batch.duration', {
      unit: 's',
      description: 'How long the database worked for a batch.',
      advice: { explicitBucketBoundaries: OF_BATCHES },
    }),
    runDuration: meter.createHistogram('soft_delete.purge.run.duration', {
      unit: 's',
      description: 'How long runs took, by their outcome.',
      advice: { explicitBucketBoundaries: OF_RUNS },
    }),
    blocked: meter.createGauge('soft_delete.purge.blocked', {
      unit: '{row}',
      description: 'Due rows that the last finished run left, because something that is not due needs them.',
    }),
    lastSuccess: meter.createGauge('soft_delete.purge.last_success.time', {
      unit: 's',
      description: 'When the last finished run looked at all due rows of the entity, in seconds since 1970.',
    }),
  };
}

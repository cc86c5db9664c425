import { performance } from 'node:perf_hooks';
import type { Attributes, Span } from '@opentelemetry/api';
import type { PurgeEntityReport, PurgeReport } from '../purge-report.js';
import { createInstruments, type PurgeInstruments, SCOPE } from './instruments.js';
import type { TelemetryApi } from './load-telemetry.js';

/** An entity of a run, in one schema. @internal */
export interface TracedEntity {
  readonly entity: string;
  readonly table: string;
}

/** A span of an entity, and when something was last done for it. */
interface EntitySpan {
  readonly span: Span;
  endedAt: number;
}

/**
 * Tells OpenTelemetry about one run: a span for it, one for each of its entities, and what is measured.
 *
 * @internal
 */
export class RunTelemetry {
  readonly #instruments: PurgeInstruments;
  readonly #spans = new Map<string, EntitySpan>();
  readonly #run: Span;
  readonly #started = performance.now();

  /** @param context - of the ORM, if it has a name */
  constructor(
    private readonly api: TelemetryApi,
    private readonly context: string | undefined,
  ) {
    this.#instruments = createInstruments(api);
    this.#run = this.#tracer.startSpan('soft_delete.purge', { attributes: this.#attributes() });
  }

  get #tracer() {
    return this.api.trace.getTracer(SCOPE);
  }

  /** Carries the run out within its span. */
  within<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.api.context.with(this.api.trace.setSpan(this.api.context.active(), this.#run), work);
  }

  /** Does something for an entity within the span of it. */
  async withinEntity<Result>(entity: TracedEntity, work: () => Promise<Result>): Promise<Result> {
    const own = this.#spanOf(entity);
    try {
      return await this.api.context.with(this.api.trace.setSpan(this.api.context.active(), own.span), work);
    } finally {
      own.endedAt = Date.now();
    }
  }

  /** @param milliseconds - how long the database worked for the batch, if it was one */
  batch(entity: string, rows: number, milliseconds?: number): void {
    const attributes = this.#attributes(entity);
    if (rows > 0) {
      this.#instruments.rows.add(rows, attributes);
    }
    if (milliseconds !== undefined) {
      this.#instruments.batchDuration.record(milliseconds / 1_000, attributes);
    }
  }

  /**
   * The run is over.
   *
   * @param error - what has ended it, if something has
   */
  end(report: PurgeReport | undefined, error?: unknown): void {
    const outcome = error === undefined ? (report?.outcome ?? 'completed') : 'interrupted';
    const attributes = { ...this.#attributes(), 'soft_delete.purge.outcome': outcome };
    this.#instruments.runDuration.record((performance.now() - this.#started) / 1_000, attributes);
    report?.entities.forEach((entity) => this.#endEntity(entity));
    // Of a run that was interrupted before it had anything to report.
    this.#spans.forEach(({ span, endedAt }) => span.end(endedAt));
    if (report?.isFinished) {
      this.#measureFinished(report);
    }
    this.#run.setAttributes({ ...attributes, 'soft_delete.purge.rows': report?.total ?? 0 });
    if (error !== undefined) {
      const message = error instanceof Error ? error.message : String(error);
      this.#run.recordException(error instanceof Error ? error : message);
      this.#run.setStatus({ code: this.api.SpanStatusCode.ERROR, message });
    }
    this.#run.end();
  }

  #measureFinished({ entities, finishedAt }: PurgeReport): void {
    for (const [entity, places] of Map.groupBy(entities, (report) => report.entity)) {
      const attributes = this.#attributes(entity);
      this.#instruments.blocked.record(
        places.reduce((sum, { blocked }) => sum + blocked, 0),
        attributes,
      );
      if (places.every(({ error, braked }) => error === undefined && !braked)) {
        this.#instruments.lastSuccess.record(finishedAt.getTime() / 1_000, attributes);
      }
    }
  }

  #endEntity(report: PurgeEntityReport): void {
    const { span, endedAt } = this.#spanOf(report);
    const { purged, blocked, failed, locked, held, batches, error } = report;
    span.setAttributes({
      'soft_delete.purge.rows': purged,
      'soft_delete.purge.blocked': blocked,
      'soft_delete.purge.failed': failed,
      'soft_delete.purge.locked': locked,
      'soft_delete.purge.held': held,
      'soft_delete.purge.batches': batches,
    });
    if (error !== undefined) {
      span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: error });
    }
    span.end(endedAt);
    this.#spans.delete(keyOf(report));
  }

  #spanOf({ entity, table }: TracedEntity): EntitySpan {
    const key = keyOf({ entity, table });
    let own = this.#spans.get(key);
    if (!own) {
      const context = this.api.trace.setSpan(this.api.context.active(), this.#run);
      const attributes = { ...this.#attributes(entity), 'db.collection.name': table };
      const span = this.#tracer.startSpan(`soft_delete.purge ${entity}`, { attributes }, context);
      own = { span, endedAt: Date.now() };
      this.#spans.set(key, own);
    }
    return own;
  }

  #attributes(entity?: string): Attributes {
    return {
      ...(entity === undefined ? {} : { 'soft_delete.entity': entity }),
      ...(this.context === undefined ? {} : { 'soft_delete.context': this.context }),
    };
  }
}

function keyOf({ entity, table }: TracedEntity): string {
  return `${entity} ${table}`;
}

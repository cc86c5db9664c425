import * as api from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { PurgeEntityReport, PurgeReport } from '../../../lib/purge/purge-report.js';
import { RunTelemetry } from '../../../lib/purge/telemetry/run-telemetry.js';

const { SpanStatusCode } = api;
const FINISHED_AT = new Date('2026-05-01T03:00:00.500Z');

const report = (entity: string, more: Partial<PurgeEntityReport> = {}): PurgeEntityReport => ({
  entity,
  table: `"${entity.toLowerCase()}"`,
  cutoff: FINISHED_AT,
  purged: 0,
  blocked: 0,
  failed: 0,
  locked: 0,
  held: 0,
  batches: 0,
  durationMs: 0,
  blockedBy: [],
  failures: [],
  ...more,
});
const run = (entities: PurgeEntityReport[], more: Partial<PurgeReport> = {}): PurgeReport => ({
  startedAt: FINISHED_AT,
  finishedAt: FINISHED_AT,
  dryRun: false,
  outcome: 'completed',
  isFinished: true,
  total: 0,
  entities,
  ...more,
});

describe(RunTelemetry.name, () => {
  const spans = new InMemorySpanExporter();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  let reader: PeriodicExportingMetricReader;

  beforeEach(() => {
    spans.reset();
    exporter.reset();
    api.trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
    reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    api.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  });
  afterEach(() => {
    api.trace.disable();
    api.metrics.disable();
  });

  const measured = async () => {
    exporter.reset();
    await reader.forceFlush();
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    expect(scopes.map(({ scope }) => scope.name)).toEqual(['nestjs-mikro-orm-soft-delete']);
    return new Map(
      scopes.flatMap(({ metrics }) =>
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name.replace('soft_delete.purge.', ''),
          { ...descriptor, points: dataPoints.map(({ attributes, value }) => [attributes, value as any] as const) },
        ]),
      ),
    );
  };

  it('gives each instrument its unit, a description, and buckets that fit batches or runs', async () => {
    const telemetry = new RunTelemetry(api, undefined);
    telemetry.batch('User', 3, 30);
    telemetry.end(run([report('User')]));
    const all = await measured();
    expect([...all].map(([name, { unit }]) => [name, unit])).toEqual([
      ['rows', '{row}'],
      ['batch.duration', 's'],
      ['run.duration', 's'],
      ['blocked', '{row}'],
      ['last_success.time', 's'],
    ]);
    for (const { description } of all.values()) {
      expect(description).toMatch(/^[A-Z].{20,}\.$/);
    }
    expect(all.get('batch.duration')!.points[0]![1].buckets.boundaries).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]);
    expect(all.get('run.duration')!.points[0]![1].buckets.boundaries).toEqual([
      0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400,
    ]);
  });

  it('counts rows by entity, and times batches in seconds, those without a row as well', async () => {
    const telemetry = new RunTelemetry(api, undefined);
    telemetry.batch('User', 3, 30);
    telemetry.batch('User', 0, 50);
    telemetry.batch('Post', 2);
    telemetry.batch('Tag', 0);
    const all = await measured();
    expect(all.get('rows')!.points).toEqual([
      [{ 'soft_delete.entity': 'User' }, 3],
      [{ 'soft_delete.entity': 'Post' }, 2],
    ]);
    expect(all.get('batch.duration')!.points).toEqual([
      [{ 'soft_delete.entity': 'User' }, expect.objectContaining({ count: 2, sum: 0.08, min: 0.03, max: 0.05 })],
    ]);
  });

  it('adds up what is blocked in all schemas, and takes an entity for purged that was in each of them', async () => {
    const telemetry = new RunTelemetry(api, undefined);
    telemetry.end(
      run([
        report('User', { table: '"a"."user"', blocked: 2 }),
        report('User', { table: '"b"."user"', blocked: 3 }),
        report('Post', { table: '"a"."post"' }),
        report('Post', { table: '"b"."post"', error: 'relation "b"."post" does not exist' }),
        report('Tag', { braked: { due: 9, limit: 4 } }),
      ]),
    );
    const all = await measured();
    expect(all.get('blocked')!.points).toEqual([
      [{ 'soft_delete.entity': 'User' }, 5],
      [{ 'soft_delete.entity': 'Post' }, 0],
      [{ 'soft_delete.entity': 'Tag' }, 0],
    ]);
    expect(all.get('last_success.time')!.points).toEqual([
      [{ 'soft_delete.entity': 'User' }, FINISHED_AT.getTime() / 1_000],
    ]);
  });

  it('measures nothing but its time of a run that another one goes on with', async () => {
    const telemetry = new RunTelemetry(api, undefined);
    telemetry.end(run([report('User', { blocked: 4 })], { outcome: 'row-limit', isFinished: false }));
    const all = await measured();
    expect([...all.keys()]).toEqual(['run.duration']);
    expect(all.get('run.duration')!.points.map(([attributes]) => attributes)).toEqual([
      { 'soft_delete.purge.outcome': 'row-limit' },
    ]);
  });

  it('names the context of the ORM everywhere, where it has one', async () => {
    const telemetry = new RunTelemetry(api, 'reports');
    telemetry.batch('User', 1, 1);
    telemetry.end(run([report('User')]));
    for (const { points } of (await measured()).values()) {
      expect(points.every(([attributes]) => attributes['soft_delete.context'] === 'reports')).toBe(true);
    }
    for (const { attributes } of spans.getFinishedSpans()) {
      expect(attributes['soft_delete.context']).toBe('reports');
    }
  });

  it('has a span for the run, and one in it for each entity and table, with what came of it', async () => {
    const telemetry = new RunTelemetry(api, undefined);
    const inside = await telemetry.within(async () => 'of the run');
    const user = { entity: 'User', table: '"user"' };
    expect([inside, await telemetry.withinEntity(user, async () => 'of the entity')]).toEqual([
      'of the run',
      'of the entity',
    ]);
    const counts = { purged: 6, blocked: 5, failed: 4, locked: 3, held: 2, batches: 1 };
    telemetry.end(run([report('User', counts), report('Post', { error: 'no such table' })], { total: 6 }));

    const [first, second, whole] = spans.getFinishedSpans();
    expect(first).toMatchObject({ name: 'soft_delete.purge User', status: { code: SpanStatusCode.UNSET } });
    expect(first!.attributes).toEqual({
      'soft_delete.entity': 'User',
      'db.collection.name': '"user"',
      'soft_delete.purge.rows': 6,
      'soft_delete.purge.blocked': 5,
      'soft_delete.purge.failed': 4,
      'soft_delete.purge.locked': 3,
      'soft_delete.purge.held': 2,
      'soft_delete.purge.batches': 1,
    });
    expect(second).toMatchObject({
      name: 'soft_delete.purge Post',
      status: { code: SpanStatusCode.ERROR, message: 'no such table' },
    });
    expect(whole).toMatchObject({ name: 'soft_delete.purge', status: { code: SpanStatusCode.UNSET } });
    expect(whole!.attributes).toEqual({ 'soft_delete.purge.outcome': 'completed', 'soft_delete.purge.rows': 6 });
    for (const span of [first!, second!]) {
      expect(span.parentSpanContext?.spanId).toBe(whole!.spanContext().spanId);
    }
    expect(spans.getFinishedSpans()).toHaveLength(3);
  });

  it.each([
    [new RangeError('out of range'), 'out of range', 'RangeError'],
    ['no error at all', 'no error at all', undefined],
  ])('ends all spans of a run that was interrupted, and records why: %s', async (error, message, type) => {
    const telemetry = new RunTelemetry(api, undefined);
    await telemetry.withinEntity({ entity: 'User', table: '"user"' }, async () => undefined);
    telemetry.end(undefined, error);
    const [entity, whole] = spans.getFinishedSpans();
    expect(entity!.name).toBe('soft_delete.purge User');
    expect(whole!.status).toEqual({ code: SpanStatusCode.ERROR, message });
    expect(whole!.attributes).toEqual({ 'soft_delete.purge.outcome': 'interrupted', 'soft_delete.purge.rows': 0 });
    expect(whole!.events.map(({ name, attributes }) => [name, attributes?.['exception.message']])).toEqual([
      ['exception', message],
    ]);
    expect(whole!.events[0]!.attributes?.['exception.type']).toBe(type);
    expect([...(await measured()).keys()]).toEqual(['run.duration']);
  });
});

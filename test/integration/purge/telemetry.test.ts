import { type MetricAdvice, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  PurgeInterruptedError,
  type PurgeOptions,
  PurgeService,
  softDeletable,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Owner = softDeletable(
  defineEntity({ name: 'Owner', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
  { retention: '30d' },
);
const Thing = softDeletable(
  defineEntity({
    name: 'Thing',
    properties: {
      id: p.integer().primary(),
      owner: () => p.manyToOne(Owner).deleteRule('restrict').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);
const Note = softDeletable(defineEntity({ name: 'Note', properties: { id: p.integer().primary() } }), {
  strategy: 'archive',
  retention: '30d',
});

describe(`${PurgeService.name}, measured by OpenTelemetry`, () => {
  const spans = new InMemorySpanExporter();
  let exporter: InMemoryMetricExporter;
  let reader: PeriodicExportingMetricReader;
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Owner, Thing, Note, ...complianceEntities()]);
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
  });
  afterAll(async () => {
    trace.disable();
    await test.close();
  });
  beforeEach(async () => {
    spans.reset();
    exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    await test.database.query(`
      truncate thing, owner, note, deletion_archive, legal_hold, legal_hold_row cascade;
      insert into owner select n, now() - interval '40 days' from generate_series(1, 20) as n;
      insert into thing select n, n, case when n > 3 then now() - interval '32 days' end from generate_series(1, 20) as n`);
  });
  afterEach(() => metrics.disable());

  const purge = (options: PurgeOptions = {}) =>
    createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, ...options });
  /** What was measured under a name, by entity or outcome. */
  const measured = async (name: string): Promise<Record<string, any>> => {
    exporter.reset();
    await reader.forceFlush();
    const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const points: DataPoint<unknown>[] =
      (all.find(({ descriptor }) => descriptor.name === `soft_delete.purge.${name}`)?.dataPoints as never) ?? [];
    return Object.fromEntries(
      points.map(({ attributes, value }) => [
        attributes['soft_delete.entity'] ?? attributes['soft_delete.purge.outcome'],
        value,
      ]),
    );
  };
  const finished = () =>
    spans.getFinishedSpans().map(({ name, attributes, status, parentSpanContext }) => ({
      name,
      attributes,
      status: status.code,
      parent: spans.getFinishedSpans().find((other) => other.spanContext().spanId === parentSpanContext?.spanId)?.name,
    }));

  it('counts rows, times batches and runs, and says what is blocked and when it last succeeded', async () => {
    const report = await purge().run({ batchSize: 5 });

    expect(await measured('rows')).toEqual({ Thing: 17, Owner: 17 });
    const batches = (await measured('batch.duration')) as Record<string, Histogram>;
    expect(batches['Thing']!.count).toBeGreaterThanOrEqual(4);
    expect(batches['Owner']!.sum).toBeGreaterThan(0);
    expect(batches['Owner']!.sum).toBeLessThan(10);
    const runs = (await measured('run.duration')) as Record<string, Histogram>;
    expect(runs['completed']).toMatchObject({ count: 1, min: expect.any(Number) });
    expect(runs['completed']!.sum! * 1_000).toBeCloseTo(report.finishedAt.getTime() - report.startedAt.getTime(), -3);
    expect(await measured('blocked')).toEqual({ Thing: 0, Owner: 3, Note: 0 });
    const at = report.finishedAt.getTime() / 1_000;
    expect(await measured('last_success.time')).toEqual({ Thing: at, Owner: at, Note: at });
  });

  it('says of each instrument what it measures, in which unit', async () => {
    const service = purge();
    await service.run();
    await reader.forceFlush();
    const scopes = exporter.getMetrics().at(-1)!.scopeMetrics;
    expect(scopes.map(({ scope }) => scope.name)).toEqual(['nestjs-mikro-orm-soft-delete']);
    const described = scopes[0]!.metrics.map(({ descriptor }): unknown[] => {
      const { name, unit, description, advice } = descriptor as typeof descriptor & { advice?: MetricAdvice };
      return [`${name} in ${unit}`, description, advice?.explicitBucketBoundaries];
    });
    expect(described.toSorted()).toEqual([
      [
        'soft_delete.purge.batch.duration in s',
        'How long the database worked for a batch.',
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      ],
      [
        'soft_delete.purge.blocked in {row}',
        'Due rows that the last finished run left, because something that is not due needs them.',
        undefined,
      ],
      [
        'soft_delete.purge.last_success.time in s',
        'When the last finished run looked at all due rows of the entity, in seconds since 1970.',
        undefined,
      ],
      [
        'soft_delete.purge.overdue.time in s',
        'How long ago the oldest due row of the entity came due, blocked or not.',
        undefined,
      ],
      ['soft_delete.purge.rows in {row}', 'Rows of soft-deletable entities that were removed.', undefined],
      [
        'soft_delete.purge.run.duration in s',
        'How long runs took, by their outcome.',
        [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400],
      ],
    ]);
  });

  it('counts on with each run, and does not take one for a success that was stopped, braked or a rehearsal', async () => {
    await purge().run({ dryRun: true });
    expect(await measured('run.duration')).toEqual({});
    expect(spans.getFinishedSpans()).toEqual([]);

    await purge().run({ maxRows: 2 });
    await purge({ brake: { atLeast: 1 } }).run();

    expect(await measured('rows')).toEqual({ Thing: 2 });
    expect(Object.keys(await measured('run.duration')).toSorted()).toEqual(['braked', 'row-limit']);
    expect(Object.keys(await measured('last_success.time'))).toEqual(['Note']);
    await purge().run();
    expect(await measured('rows')).toEqual({ Thing: 17, Owner: 17 });
  });

  it('says how far behind it is whenever somebody asks, before, between and after runs', async () => {
    const service = purge();
    await service.run({ maxRows: 1 });
    const day = 24 * 60 * 60;

    const overdue = await measured('overdue.time');
    expect(overdue['Owner'] / day).toBeCloseTo(10, 2);
    expect(overdue['Thing'] / day).toBeCloseTo(2, 2);
    await test.database.query("update owner set deleted_at = deleted_at - interval '5 days'");
    expect((await measured('overdue.time'))['Owner'] / day).toBeCloseTo(15, 2);
    await test.database.query('update owner set deleted_at = null');
    expect((await measured('overdue.time'))['Owner']).toBe(0);
  });

  it('has one span for a run, and one for each of its entities', async () => {
    await purge().run();

    const counts = (rows: number, blocked: number) => ({
      'soft_delete.purge.rows': rows,
      'soft_delete.purge.blocked': blocked,
      'soft_delete.purge.failed': 0,
      'soft_delete.purge.locked': 0,
      'soft_delete.purge.held': 0,
      'soft_delete.purge.batches': expect.any(Number),
    });
    expect(finished()).toEqual([
      {
        name: 'soft_delete.purge Thing',
        attributes: { 'soft_delete.entity': 'Thing', 'db.collection.name': 'thing', ...counts(17, 0) },
        status: SpanStatusCode.UNSET,
        parent: 'soft_delete.purge',
      },
      {
        name: 'soft_delete.purge Owner',
        attributes: { 'soft_delete.entity': 'Owner', 'db.collection.name': 'owner', ...counts(17, 3) },
        status: SpanStatusCode.UNSET,
        parent: 'soft_delete.purge',
      },
      {
        name: 'soft_delete.purge Note',
        attributes: expect.objectContaining({ 'soft_delete.entity': 'Note' }),
        status: SpanStatusCode.UNSET,
        parent: 'soft_delete.purge',
      },
      {
        name: 'soft_delete.purge',
        attributes: { 'soft_delete.purge.outcome': 'completed', 'soft_delete.purge.rows': 34 },
        status: SpanStatusCode.UNSET,
        parent: undefined,
      },
    ]);
  });

  it('counts rows of the archive as well', async () => {
    await test.database.query('insert into note select n from generate_series(1, 3) as n');
    const repo = test.orm.em.fork().getRepository(Note) as never as { softDelete(keys: number[]): Promise<unknown> };
    await repo.softDelete([1, 2, 3]);
    await ageArchive(test.database, 31);

    await purge().run({ entities: [Note] });

    expect(await measured('rows')).toEqual({ Note: 3 });
    expect(((await measured('batch.duration'))['Note'] as Histogram).count).toBe(1);
  });

  it('says of held rows and of runs that failed what happened', async () => {
    await createCompliance(test.orm).holds.place({ name: 'Case', reason: 'Court', on: [[Thing, 20] as never] });
    await purge().run();
    expect(finished().find(({ name }) => name === 'soft_delete.purge Thing')!.attributes).toMatchObject({
      'soft_delete.purge.held': 1,
    });
    spans.reset();

    const gone = await MikroORM.init({
      clientUrl: 'postgresql://127.0.0.1:1/none',
      entities: [Owner],
      connect: false,
    } as never);
    await expect(createPurge(gone as never).run()).rejects.toThrow(PurgeInterruptedError);
    await gone.close();

    expect(finished()).toMatchObject([
      {
        name: 'soft_delete.purge',
        status: SpanStatusCode.ERROR,
        attributes: { 'soft_delete.purge.outcome': 'interrupted' },
      },
    ]);
    expect(spans.getFinishedSpans()[0]!.events).toMatchObject([{ name: 'exception' }]);
    expect(await measured('run.duration')).toMatchObject({ interrupted: { count: 1 } });
  });

  it('names the ORM where it has a name', async () => {
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [Owner, Thing],
      contextName: 'crm',
    });
    await createPurge(other, { brake: false, pauseBetweenBatches: 0 }).run();
    const connection = other.em.getConnection('write');
    let reconnected = 0;
    await other.close();

    expect(finished().map(({ attributes }) => attributes['soft_delete.context'])).toEqual(['crm', 'crm', 'crm']);
    // Whoever collects metrics afterwards does not open it again.
    connection.connect = async () => void reconnected++;
    await measured('overdue.time');
    expect(reconnected).toBe(0);
  });
});

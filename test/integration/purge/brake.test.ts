import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Rel } from '@mikro-orm/core';
import {
  createPurge,
  type PurgeOptions,
  PurgeHealthIndicator,
  SoftDeletable,
  SoftDeletableEntity,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'parcel' })
class Parcel extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Without the index that a purge reads, and with a key to what is purged after it. */
@SoftDeletable({ retention: '30d', purgeIndex: false })
@Entity({ tableName: 'label' })
class Label extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  text?: string | null;

  @ManyToOne(() => Parcel)
  parcel!: Rel<Parcel>;
}

describe('the brake of a purge', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Parcel, Label, ...complianceEntities()]);
  });
  beforeEach(() => test.database.query('truncate parcel, label, deletion_record restart identity cascade'));
  afterAll(() => test.close());

  const brake = { atLeast: 10 };
  const purge = (options: PurgeOptions = { brake }) => createPurge(test.orm, options);
  /** Parcels: so many due ones, and so many others, active or deleted lately. */
  const parcels = (due: number, others: number) =>
    test.database.query(`
      insert into parcel (deleted_at) select now() - interval '31 days' from generate_series(1, ${due});
      insert into parcel (deleted_at) select case when n % 2 = 0 then now() end from generate_series(1, ${others}) as n`);
  const labels = (due: number, others: number) =>
    test.database.query(`
      insert into label (parcel_id, deleted_at) select 1, now() - interval '31 days' from generate_series(1, ${due});
      insert into label (parcel_id, deleted_at) select 1, null from generate_series(1, ${others}) as n`);
  /** Runs on record that have removed so many rows each, the oldest first. */
  const history = async (...counts: number[]) => {
    for (const [i, count] of counts.entries()) {
      await test.database.query(
        `insert into deletion_record (action, entity, unit, count) values
           ('purged', 'Parcel', now() - interval '1 day' * $1, $2), ('purged', 'Parcel', now() - interval '1 day' * $1, 0),
           ('purged', 'Label', now() - interval '1 day' * $1, 100000)`,
        [counts.length - i, count],
      );
    }
  };
  const left = async (table = 'parcel') =>
    (
      await test.database.query(`select count(*)::int as n from ${table} where deleted_at < now() - interval '30 days'`)
    )[0].n;
  const times = (n: number, count: number) => Array.from({ length: n }, () => count);

  it('leaves an entity alone of whose table more than half is due', async () => {
    await parcels(21, 20);
    const report = await purge().run();
    expect(report).toMatchObject({ outcome: 'braked', total: 0 });
    expect(report.entities.find(({ entity }) => entity === 'Parcel')).toMatchObject({
      purged: 0,
      braked: { due: 21, limit: 20 },
    });
    expect(await left()).toBe(21);
  });

  it('leaves nothing to do where it holds every entity, in a dry run neither', async () => {
    await parcels(30, 0);
    const entities = [Parcel];
    const report = await purge().run({ entities });
    expect(report).toMatchObject({ outcome: 'braked', isFinished: true, total: 0, entities: [{ purged: 0 }] });
    expect(await purge().run({ entities, dryRun: true })).toMatchObject({ outcome: 'braked', total: 0 });
  });

  it('lets half of a table pass, and anything up to atLeast', async () => {
    await parcels(20, 20);
    expect(await purge().run()).toMatchObject({ outcome: 'completed', total: 20 });
    await test.database.query('truncate parcel cascade');
    await parcels(10, 0);
    expect(await purge().run()).toMatchObject({ outcome: 'completed', total: 10 });
    await parcels(11, 0);
    expect(await purge().run()).toMatchObject({ outcome: 'braked', total: 0 });
  });

  it('knows by default that a thousand rows are never too many', async () => {
    await parcels(1_000, 0);
    expect(await purge({}).run()).toMatchObject({ outcome: 'completed', total: 1_000 });
    await parcels(1_001, 0);
    expect(await purge({}).run()).toMatchObject({ outcome: 'braked', total: 0 });
  });

  it('compares with the median of the runs on record, each of them with all its batches, once there are ten', async () => {
    await history(...times(5, 2), ...times(4, 4));
    await parcels(21, 100);
    // Nine runs: the share of the table counts.
    expect(await purge().run({ dryRun: true })).toMatchObject({ outcome: 'completed', total: 21 });
    await test.database.query('truncate deletion_record');
    await history(...times(5, 2), ...times(5, 4));
    const { entities } = await purge().run();
    expect(entities.find(({ entity }) => entity === 'Parcel')!.braked).toEqual({ due: 21, usual: 3, limit: 15 });
    expect(await left()).toBe(21);
    expect(await purge({ brake: { ...brake, factor: 7 } }).run()).toMatchObject({ outcome: 'completed', total: 21 });
  });

  it('lets most of a table pass where that is usual', async () => {
    await history(...times(10, 30));
    await parcels(100, 0);
    expect(await purge().run()).toMatchObject({ outcome: 'completed', total: 100 });
  });

  it('goes on with the other entities, for which what is left is a row that blocks', async () => {
    await parcels(1, 20);
    await labels(30, 20);
    const report = await purge().run();
    expect(report.outcome).toBe('braked');
    expect(report.entities).toMatchObject([
      { entity: 'Label', purged: 0, braked: { due: 30, limit: 25 } },
      { entity: 'Parcel', purged: 0, blocked: 1 },
    ]);
    expect([await left('label'), await left()]).toEqual([30, 1]);
  });

  it('is overridden for a run, or off', async () => {
    await parcels(30, 0);
    expect(await purge().run({ dryRun: true })).toMatchObject({ outcome: 'braked', total: 0 });
    expect(await purge().run({ dryRun: true, overrideBrake: true })).toMatchObject({ outcome: 'completed', total: 30 });
    expect(await purge().run({ overrideBrake: true })).toMatchObject({ outcome: 'completed', total: 30 });
    await parcels(30, 0);
    expect(await purge({ brake: false }).run()).toMatchObject({ outcome: 'completed', total: 30 });
  });

  it('turns the health check red until a run passes', async () => {
    await parcels(30, 0);
    const service = purge();
    const health = new PurgeHealthIndicator(service);
    await service.run({ dryRun: true });
    expect(await health.isHealthy('purge', { sla: '99d' })).toMatchObject({ purge: { status: 'up' } });
    await service.run();
    expect(await health.isHealthy('purge', { sla: '99d' })).toMatchObject({
      purge: { status: 'down', message: 'The purge skipped Parcel: far more rows are due than usual.' },
    });
    await service.run({ overrideBrake: true });
    expect(await health.isHealthy('purge', { sla: '99d' })).toMatchObject({ purge: { status: 'up' } });
  });

  it('reads no further than it must: one statement for all entities, where few rows are due', async () => {
    await parcels(3, 0);
    await purge().run();
    test.statements.length = 0;
    await purge().run();
    expect(test.statements.filter((sql) => /limit 11\)/.test(sql))).toHaveLength(1);
    expect(test.statements.filter((sql) => /is not true limit|percentile_cont/.test(sql))).toEqual([]);
  });

  it.each([{ factor: 0 }, { share: 0 }, { share: 2 }, { atLeast: -1 }, { atLeast: 1.5 }, { limit: 3 }, true])(
    'is refused as %j',
    (wrong) => {
      expect(() => purge({ brake: wrong as never })).toThrow(expect.objectContaining({ code: 'SOFT_DELETE_CONFIG' }));
    },
  );
});

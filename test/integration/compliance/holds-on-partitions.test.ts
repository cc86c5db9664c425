import { PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  createCompliance,
  LegalHoldError,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '1d' })
@Entity()
class Visit extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['id', 'region'];

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @PrimaryKey({ type: 'text' })
  region!: string;
}

@SoftDeletable({ retention: '1d' })
@Entity()
class Step extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['id', 'visit'];

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Visit, { primary: true, deleteRule: 'cascade' })
  visit!: Rel<Visit>;
}

describe('holds on rows of partitioned tables', () => {
  let test: TestOrm;
  let holds: Compliance['holds'];

  beforeAll(async () => {
    test = await createTestOrm([Visit, Step, ...complianceEntities()]);
    ({ holds } = createCompliance(test.orm));
    await test.database.query(`
      drop table step; drop table visit;
      create table visit (id int, region text, deleted_at timestamptz, primary key (id, region)) partition by list (region);
      create table visit_eu partition of visit for values in ('eu');
      create table visit_us partition of visit for values in ('us') partition by range (id);
      create table visit_us_1 partition of visit_us for values from (0) to (2);
      create table visit_us_2 partition of visit_us default;
      create index on visit (deleted_at, id, region) where deleted_at is not null;
      create table step (id int, visit_id int, visit_region text, deleted_at timestamptz, primary key (id, visit_id, visit_region),
        foreign key (visit_id, visit_region) references visit on delete cascade) partition by hash (visit_id);
      create table step_0 partition of step for values with (modulus 2, remainder 0);
      create table step_1 partition of step for values with (modulus 2, remainder 1);
      create index on step (visit_id, visit_region);
      create index on step (deleted_at, id, visit_id, visit_region) where deleted_at is not null`);
  });
  afterAll(() => test.close());

  beforeEach(() =>
    test.database.query(`
      truncate step, visit, deletion_record, legal_hold, legal_hold_row restart identity cascade;
      insert into visit select n, r, now() - interval '2 days' from unnest(array[1, 2, 3]) as n, unnest(array['eu', 'us']) as r;
      insert into step select 1, id, region, now() - interval '2 days' from visit`),
  );

  const place = (key: [number, string]) =>
    holds.place({ name: 'dispute', reason: 'case 7', on: [[Visit, key as never]] });
  const left = (table: string) => test.database.query(`select count(*)::int as count from ${table}`);
  const repository = (entity: new () => object) =>
    test.orm.em.fork().getRepository(entity) as unknown as SoftDeleteRepository<any>;

  it.each([
    [1, 'eu'],
    [1, 'us'],
    [3, 'us'],
  ] as const)('keep the row, and what lies behind it, from hardDelete(): %s %s', async (id, region) => {
    const hold = await place([id, region]);
    await expect(repository(Visit).hardDelete([id, region] as never)).rejects.toThrow(LegalHoldError);
    await expect(repository(Step).hardDelete({ visit: [id, region] } as never)).rejects.toThrow(LegalHoldError);
    expect([await left('visit'), await left('step')]).toEqual([[{ count: 6 }], [{ count: 6 }]]);
    await holds.release(hold.id, { reason: 'settled' });
    expect(await repository(Visit).hardDelete([id, region] as never)).toBe(2);
  });

  it.each([1, 1000])('are reported by a purge, which takes the rest, %s a batch', async (batchSize) => {
    await place([1, 'us']);
    await place([3, 'eu']);
    const report = await createPurge(test.orm, { batchSize, pauseBetweenBatches: 0, brake: false }).run();
    expect(Object.fromEntries(report.entities.map(({ entity, purged, held }) => [entity, [purged, held]]))).toEqual({
      Step: [4, 2],
      Visit: [4, 2],
    });
    expect(await test.database.query('select id, region from visit order by region')).toEqual([
      { id: 3, region: 'eu' },
      { id: 1, region: 'us' },
    ]);
    expect(await left('step')).toEqual([{ count: 2 }]);
  });
});

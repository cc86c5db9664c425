import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Folder = softDeletable(
  defineEntity({
    name: 'Folder',
    tableName: 'folder',
    properties: {
      id: p.integer().primary(),
      parent: () => p.manyToOne(Folder).nullable().index(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Folder]);
  });
  afterAll(() => test.close());

  it('goes on behind the rows that stay, the latest first and the other way round', async () => {
    await test.database.query(`
      insert into folder (id, deleted_at) select n, now() - interval '40 days' - n * interval '1 second' from generate_series(1, 9) as n;
      insert into folder (id, parent_id) select n + 100, n from generate_series(1, 9) as n where n not in (2, 9);
    `);
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 2 });

    const { entities } = await purge.run();

    expect(entities[0]).toMatchObject({ purged: 2, blocked: 7, batches: Math.ceil(9 / 2) + Math.ceil(7 / 2) });
    const left = await test.database.query('select id from folder where id < 100 order by id');
    expect(left.map(({ id }) => id)).toEqual([1, 3, 4, 5, 6, 7, 8]);
  });
});

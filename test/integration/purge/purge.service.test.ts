import { createPurge, PurgeService } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Account, Invoice, Project, Session, Tag } from './purge.entities.js';

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Account, Project, Session, Tag, Invoice], {}, false);
  });

  afterEach(async () => {
    await test.close();
  });

  const ids = async (table: string) =>
    (await test.database.query<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);

  it('removes what is due and what belongs to it, children before parents', async () => {
    await test.database.query(`
      insert into account (id, name, deleted_at) values
        (1, 'due', now() - interval '40 days'), (2, 'within retention', now() - interval '20 days'), (3, 'active', null);
      insert into project (id, account_id, parent_id, deleted_at) values
        (1, 1, null, now() - interval '40 days'), (2, 1, 1, now() - interval '40 days'), (3, 2, null, now() - interval '20 days');
      insert into session values (1, 1), (2, 2);
      insert into tag values (1);
      insert into project_tag values (1, 1), (3, 1);
    `);

    const report = await createPurge(test.orm).run();

    expect(report).toMatchObject({
      outcome: 'completed',
      dryRun: false,
      total: 4,
      entities: [
        { entity: 'Project', table: 'project', purged: 3, blocked: 0, failed: 0, locked: 0 },
        { entity: 'Account', table: 'account', purged: 1, blocked: 0, failed: 0, locked: 0 },
      ],
    });
    await expect(ids('account')).resolves.toEqual([2, 3]);
    await expect(ids('project')).resolves.toEqual([]);
    await expect(ids('session')).resolves.toEqual([2]);
    await expect(ids('tag')).resolves.toEqual([1]);
    await expect(test.database.query('select * from project_tag')).resolves.toEqual([]);
  });

  it('leaves what something else needs, and names the reference', async () => {
    await test.database.query(`
      insert into account (id, name, deleted_at)
        select n, 'due', now() - interval '40 days' from generate_series(1, 4) as n;
      insert into project (id, account_id, deleted_at) values (1, 1, null), (2, 2, now() - interval '5 days');
      insert into invoice values (1, 2), (2, 3);
    `);
    const purge = createPurge(test.orm);

    const rehearsed = await purge.run({ dryRun: true });
    await expect(ids('account')).resolves.toEqual([1, 2, 3, 4]);
    const report = await purge.run();

    const account = {
      entity: 'Account',
      purged: 1,
      blocked: 3,
      blockedBy: expect.arrayContaining([
        { table: 'project', constraint: 'project_account_id_foreign', rows: 2 },
        { table: 'invoice', constraint: 'invoice_account_id_foreign', rows: 2 },
      ]),
    };
    expect(report.entities[1]).toMatchObject(account);
    expect(rehearsed.entities[1]).toMatchObject(account);
    await expect(ids('account')).resolves.toEqual([1, 2, 3]);
    await expect(ids('project')).resolves.toEqual([1, 2]);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable, type SoftDeleteEvent } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Account, Invoice, Project, Session, Tag } from './purge.entities.js';

const Guarded = softDeletable(
  defineEntity({
    name: 'Guarded',
    tableName: 'guarded',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
  { retention: '30d', guard: true },
);
const getEvents = ({ orm }: TestOrm) => getInstallation(orm.em).events.stream$;

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

  it('says how long it worked on each entity, with what its hooks took', async () => {
    await test.database.query(`
      insert into account (id, name, deleted_at) values (1, 'due', now() - interval '40 days');
      insert into tag values (1);
    `);
    const purge = createPurge(test.orm);
    purge.registerHook(Account, () => sleep(100));

    const { entities } = await purge.run();

    const [project, account] = entities;
    expect(account).toMatchObject({ entity: 'Account', purged: 1 });
    // Timers may go off a little early.
    expect(account!.durationMs).toBeGreaterThan(95);
    expect(project).toMatchObject({ entity: 'Project', purged: 0 });
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

  it('tells the events what it removed, and is let through by the guard', async () => {
    await test.close();
    test = await createTestOrm([Guarded]);
    await test.database.query(
      `insert into guarded select n, now() - interval '40 days' from generate_series(1, 250) as n`,
    );
    await expect(test.database.query('delete from guarded')).rejects.toThrow('guarded');
    const events: SoftDeleteEvent[] = [];
    getEvents(test).subscribe((event) => events.push(event));

    await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 100 }).run();

    await expect(ids('guarded')).resolves.toEqual([]);
    expect(events.map(({ type, entity, count }) => [type, entity, count])).toEqual([
      ['purged', 'Guarded', 100],
      ['purged', 'Guarded', 100],
      ['purged', 'Guarded', 50],
    ]);
  });

  it('keeps batches short where a foreign key has no index, and says which index helps', async () => {
    await test.database.query(`
      create table visit (id int primary key, account_id int not null references account, note text);
      insert into account (id, name, deleted_at) select n, 'due', now() - interval '40 days' from generate_series(1, 40) as n;
      insert into account (id, name) values (1000, 'active');
      insert into visit select n, 1000, repeat('x', 400) from generate_series(1, 3000) as n; analyze visit;
      create function take_long() returns trigger language plpgsql as $$ begin perform pg_sleep(0.015); return old; end $$;
      create trigger take_long before delete on account for each row execute function take_long();
    `);
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });

    const plan = await purge.plan();
    const sizes: number[] = [];
    const report = await purge.run({
      entities: [Account],
      onProgress: ({ total }) => sizes.push(total - sizes.reduce((sum, size) => sum + size, 0)),
    });

    expect(plan.entities.find(({ entity }) => entity === 'Account')!.advice).toContainEqual(
      expect.stringMatching(
        /^create index concurrently on public\.visit \("account_id"\); -- visit_account_id_fkey reads/,
      ),
    );
    expect(report).toMatchObject({ total: 40, entities: [{ purged: 40, failed: 0 }] });
    // However fast the machine is: the first batch is small, and each further one has at most four times as many rows.
    expect(sizes[0]).toBeLessThanOrEqual(4);
    expect(sizes.length).toBeGreaterThanOrEqual(3);
  });

  it('lets users restore due rows while it runs, and loses none of them', async () => {
    await test.database.query(`
      insert into account (id, name, deleted_at) select n, 'due', now() - interval '40 days' from generate_series(1, 6000) as n`);
    const user = await test.database.connect();
    let restored = 0;

    const run = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run({ entities: ['Account'] });
    const over = run.then(() => true);
    for (let id = 5_999; !(await Promise.race([over, sleep(0, false)])); id -= 7) {
      restored += (await user.query('update account set deleted_at = null where id = $1', [id])).rowCount!;
    }
    const report = await run;
    await user.end();

    expect(restored).toBeGreaterThan(0);
    expect(report.total).toBe(6_000 - restored);
    await expect(ids('account')).resolves.toHaveLength(restored);
  });
});

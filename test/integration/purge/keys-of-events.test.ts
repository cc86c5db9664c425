import { createPurge, type PurgeService, type SoftDeleteEvent } from 'nestjs-mikro-orm-soft-delete';
import { findInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Account, Invoice, Project, Session, Tag } from './purge.entities.js';

describe('Events of a purge', () => {
  let test: TestOrm;
  let purge: PurgeService;
  let events: SoftDeleteEvent[];

  beforeAll(async () => {
    test = await createTestOrm([Account, Project, Session, Tag, Invoice]);
    purge = createPurge(test.orm, { pauseBetweenBatches: 0, brake: false });
  });
  afterAll(() => test.close());
  beforeEach(() => test.database.query('truncate account, project, session, tag, invoice cascade'));

  async function run(options = {}): Promise<SoftDeleteEvent[]> {
    events = [];
    const subscription = findInstallation(test.orm.em)!.events.stream$.subscribe((event) => events.push(event));
    await purge.run(options);
    subscription.unsubscribe();
    return events;
  }

  const plant = (count: number) =>
    test.database.query(
      `insert into account (id, name, deleted_at) select g, 'a', now() - interval '31 days' from generate_series(1, ${count}) as g`,
    );
  const keysOf = (entity: string) =>
    events
      .filter((event) => event.entity === entity)
      .flatMap(({ keys }) => keys ?? ['none'])
      .toSorted((a, b) => Number(a) - Number(b));

  it('name the rows that went, of each batch', async () => {
    await plant(5);
    expect(await run({ batchSize: 2 })).toHaveLength(3);
    for (const { type, count, keys } of events) {
      expect([type, keys?.length]).toEqual(['purged', count]);
    }
    expect(keysOf('Account')).toEqual([1, 2, 3, 4, 5]);
  });

  it('name up to 1,000 rows', async () => {
    await plant(1001);
    await run({ batchSize: 1000 });
    expect(events.map(({ count, keys }) => [count, keys?.length])).toEqual([
      [1000, 1000],
      [1, 1],
    ]);
    await plant(1001);
    await run({ batchSize: 1001 });
    expect(events.map(({ count, keys }) => [count, keys])).toEqual([[1001, undefined]]);
  });

  it('name the rows that went where others stay, one by one', async () => {
    await plant(6);
    await test.database.query(`
      insert into invoice (id, account_id) values (1, 2), (2, 5);
      create or replace function refuse() returns trigger language plpgsql as $$ begin
        if old.id = 3 then raise exception 'not this one'; end if;
        return old;
      end $$;
      create trigger refuse before delete on account for each row execute function refuse()`);
    await run();
    await test.database.query('drop trigger refuse on account');
    expect(keysOf('Account')).toEqual([1, 4, 6]);
    expect(events.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(await test.database.query('select id from account order by id')).toEqual([{ id: 2 }, { id: 3 }, { id: 5 }]);
  });

  it('name the rows of a circle, and those that went with their parts', async () => {
    await test.database.query(`
      insert into account (id, name, deleted_at) values (1, 'a', now() - interval '31 days'), (2, 'b', now() - interval '31 days');
      insert into session (id, account_id) values (1, 1);
      insert into project (id, account_id, deleted_at) select g, 1, now() - interval '31 days' from generate_series(1, 3) as g;
      update project set parent_id = case id when 1 then 2 else 1 end where id < 3`);
    await run();
    expect(keysOf('Project')).toEqual([1, 2, 3]);
    expect(keysOf('Account')).toEqual([1, 2]);
    expect(await test.database.query('select id from account')).toEqual([]);
  });

  it('cost no statement, and nothing while nobody listens', async () => {
    await plant(3);
    test.statements.length = 0;
    await purge.run();
    const alone = [...test.statements];
    test.statements.length = 0;
    await plant(3);
    await run();
    expect(test.statements).toHaveLength(alone.length);
    expect(alone.filter((sql) => sql.includes('string_agg('))).toEqual([]);
    expect(test.statements.some((sql) => sql.includes('string_agg('))).toBe(true);
    expect(keysOf('Account')).toEqual([1, 2, 3]);
  });
});

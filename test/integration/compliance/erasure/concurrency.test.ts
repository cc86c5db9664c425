import { ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Client } from 'pg';
import { Customer } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe(`${ErasureService.name} beside other sessions`, () => {
  const test = useErasures();
  let other: Client;

  beforeEach(async () => {
    await test.rows(PLANT);
    other = new Client({ connectionString: test.database.url });
    await other.connect();
  });
  afterEach(() => other.end());

  /** Until so many sessions wait for a lock. */
  const waiting = async (count: number) => {
    let found = 0;
    while (found < count) {
      const [row] = await test.rows(
        `select count(*)::int as found from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      found = row.found;
    }
  };

  it('covers a row that was inserted for the person and committed before its end', async () => {
    await other.query('begin');
    await other.query(
      `insert into purchase (customer_id, ship_to, paid_at) values (1, 'Lovelace, late', '2000-01-01')`,
    );
    const erasing = test.erasures.erase(Customer, 1);
    await waiting(1);
    await other.query('commit');
    expect(await erasing).toMatchObject({ outcome: 'completed' });
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('covers a row two steps away that was inserted and committed before its end', async () => {
    await other.query('begin');
    await other.query(`insert into line (order_id, engraving) values (1, 'Lovelace, late')`);
    const erasing = test.erasures.erase(Customer, 1);
    await waiting(1);
    await other.query('commit');
    expect(await erasing).toMatchObject({ outcome: 'completed' });
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('has a row that waited for the person found by the next run, whose residue says so', async () => {
    const em = test.fork();
    let inserting: Promise<unknown>;
    await em.transactional(async () => {
      await test.erasures.erase(Customer, 1);
      inserting = other.query(
        `insert into purchase (customer_id, ship_to, paid_at) values (1, 'Lovelace, too late', '2000-01-01')`,
      );
      await waiting(1);
    });
    await inserting!;
    expect(await test.tablesWith('Lovelace')).toEqual(['purchase']);
    expect(await test.erasures.run()).toMatchObject([
      {
        outcome: 'partial',
        residue: 1,
        entities: expect.arrayContaining([expect.objectContaining({ entity: 'Order', overwritten: 3 })]),
      },
    ]);
    expect(await test.tablesWith('Lovelace')).toEqual([]);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
  });

  it('is carried out once by runs at the same time', async () => {
    await test.erasures.request(Customer, 1);
    await test.erasures.request(Customer, 2);
    const runs = await Promise.all([test.erasures.run(), test.erasures.run(), test.erasures.run()]);
    const first = runs.flat().filter(({ entities }) => entities.some(({ overwritten }) => overwritten > 0));
    expect(first.map(({ subject }) => subject.key).toSorted()).toEqual([1, 2]);
    const records = await test.rows(`select 1 from deletion_record where action = 'erased' and entity = 'Customer'`);
    expect(records).toHaveLength(2);
  });

  it('cannot be withdrawn any more while it is carried out', async () => {
    const { id } = await test.erasures.request(Customer, 1);
    await other.query('begin');
    await other.query('select 1 from customer where id = 1 for update');
    const erasing = test.erasures.erase(Customer, 1);
    await waiting(1);
    const withdrawing = test.erasures.withdraw(id).catch((error: Error) => error.message);
    await Promise.race([waiting(2), withdrawing]);
    await other.query('commit');
    expect(await erasing).toMatchObject({ id, outcome: 'completed' });
    expect(await withdrawing).toContain(`the erasure ${id} is completed.`);
    expect(await test.rows('select withdrawn_at from erasure')).toEqual([{ withdrawn_at: null }]);
  });

  it('waits for a hold that is being placed, and honours it', async () => {
    await other.query('begin');
    await other.query('select pg_advisory_xact_lock(1752132708, 0)');
    await other.query(`insert into legal_hold (name, reason) values ('dispute', 'case 7')`);
    await other.query(`insert into legal_hold_row (hold, entity, key) values (1, 'Order', '["1"]')`);
    const erasing = test.erasures.erase(Customer, 1);
    await waiting(1);
    await other.query('commit');
    expect(await erasing).toMatchObject({ outcome: 'partial' });
    expect(await test.rows('select ship_to is null as erased from purchase where id = 1')).toEqual([{ erased: false }]);
  });
});

import { setTimeout } from 'node:timers/promises';
import { complianceEntities, createCompliance, type ErasureLedgerEntry } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm } from '../../../support/orm.js';
import { Customer, SHOP } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe('a ledger of erasures that takes its time', () => {
  const test = useErasures();
  let told: number[];
  const telling = (answer: (entry: ErasureLedgerEntry) => Promise<void>) =>
    createCompliance(test.orm, { erasure: { ledger: (entry) => (told.push(entry.id), answer(entry)) } }).erasures;
  const owed = async () => (await test.erasures.status()).owed;

  beforeEach(async () => {
    await test.rows(PLANT);
    told = [];
  });

  it('is waited for without a transaction, and may use the ORM with the only connection', async () => {
    const { orm, database, close } = await createTestOrm([...SHOP, ...complianceEntities()], {
      pool: { min: 0, max: 1 },
    });
    try {
      await database.query(PLANT);
      const seen: unknown[] = [];
      const { erasures } = createCompliance(orm, {
        erasure: {
          ledger: async ({ id }) => {
            const [{ open }] = await database.query(
              `select count(*)::int as open from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()`,
            );
            await database.query(`select from erasure where id = ${id} for update nowait`);
            const others = await orm.em
              .fork()
              .transactional((em) => em.count(Customer, {}, { filters: { softDelete: false } }));
            seen.push([open, others]);
          },
        },
      });
      await erasures.erase(Customer, 1);
      await erasures.request(Customer, 2);
      await erasures.run();
      expect(seen).toEqual([
        [0, 2],
        [0, 2],
      ]);
      expect(await erasures.status()).toMatchObject({ owed: 0 });
    } finally {
      await close();
    }
  });

  it('keeps no erasure waiting where it does not answer, and is owed until it does', async () => {
    let answer: () => void;
    const silent = telling(() => new Promise((resolve) => (answer = resolve)));
    const answering = telling(async () => undefined);

    expect(await silent.erase(Customer, 1)).toMatchObject({ outcome: 'completed' });
    expect(await owed()).toBe(1);
    answer!();
    while ((await owed()) > 0) {
      await setTimeout(20);
    }

    await test.erasures.request(Customer, 2);
    await test.rows(`insert into customer (email, name, version) values ('cyd@example.org', 'Cyd', 1)`);
    await test.erasures.request(Customer, 3);
    expect(await silent.run()).toMatchObject([{ outcome: 'completed' }, { outcome: 'completed' }]);
    // It did not answer, so that it is asked no more.
    expect([told, await owed()]).toEqual([[1, 2], 2]);
    // Somebody still waits for an answer about the one.
    await answering.run();
    expect([told, await owed()]).toEqual([[1, 2, 3], 1]);
    await test.rows(`update erasure set ledger_asked_at = ledger_asked_at - interval '11 minutes'`);
    await answering.run();
    expect([told, await owed()]).toEqual([[1, 2, 3, 2], 0]);
  });

  it('is not told by a run whose transaction may still be undone', async () => {
    const erasures = telling(async () => undefined);
    await erasures.request(Customer, 1);
    await test
      .fork()
      .transactional(async () => {
        expect(await erasures.run()).toMatchObject([{ outcome: 'completed' }]);
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(told).toEqual([]);
    expect(await test.rows('select name from customer where id = 1')).toEqual([{ name: 'Ada Lovelace' }]);
    await erasures.run();
    expect(told).toEqual([1]);
  });
});

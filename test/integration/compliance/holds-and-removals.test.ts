import { setTimeout as sleep } from 'node:timers/promises';
import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createPurge, softDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  createCompliance,
  LegalHoldService,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Customer, HELD_ENTITIES, HELD_ROWS } from './held.entities.js';

const MOMENTS = Number(process.env['HOLD_MOMENTS'] ?? 36);
const ROWS = 60;
const ALLOW = `select set_config('soft_delete.physical_delete', 'allowed', true)`;

describe(`${LegalHoldService.name} while rows are removed`, () => {
  let test: TestOrm;
  let holds: Compliance['holds'];

  beforeAll(async () => {
    test = await createTestOrm(
      [...HELD_ENTITIES, ...complianceEntities()],
      { extensions: [softDelete()], pool: { max: 4 } },
      false,
    );
    ({ holds } = createCompliance(test.orm));
  });
  afterAll(() => test.close());

  const place = (id: number) => holds.place({ name: 'dispute', reason: 'case 7', on: [[Customer, id]] });
  const ids = async () => (await test.database.query('select id from customer order by id')).map(({ id }) => id);
  const guard = (what: 'enable' | 'disable') =>
    test.database.query(`alter table customer ${what} trigger soft_delete_guard`);
  const purge = (options = {}) => createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, ...options });
  const hardDelete = (key: number, isolationLevel?: IsolationLevel) =>
    test.orm.em.fork().transactional(
      async (tx) => {
        // Begins the snapshot, where the transaction has one.
        await tx.execute('select 1 from customer limit 1');
        await sleep(Math.random() * 10);
        await (tx.getRepository(Customer) as unknown as SoftDeleteRepository<Customer>).hardDelete(key);
      },
      isolationLevel === undefined ? {} : { isolationLevel },
    );

  const removals: [string, (key: number) => Promise<unknown>][] = [
    ['a purge by range', () => purge({ batchSize: 5 }).run({ entities: [Customer] })],
    ['a purge that chooses its batches', () => purge().run({ entities: [Customer] })],
    [
      'a purge with hooks',
      () => {
        const service = purge({ batchSize: 5 });
        service.registerHook(Customer, () => undefined);
        return service.run({ entities: [Customer] });
      },
    ],
    ['hardDelete()', (key) => hardDelete(key)],
    ['hardDelete() with an older snapshot', (key) => hardDelete(key, IsolationLevel.REPEATABLE_READ)],
  ];
  const deletes = async (key: number) => {
    await test.orm.em.fork().transactional(async (tx) => {
      await tx.execute(ALLOW);
      await tx.execute('delete from customer where id > ? and id < ?', [key - 5, key + 5]);
    });
  };

  it.each(['enable', 'disable'] as const)(
    `is honoured or told that the row is gone, placed at ${MOMENTS} moments of removals: %s the guard`,
    async (what) => {
      await guard(what);
      const ways = what === 'enable' ? [...removals, ['a raw delete', deletes] as (typeof removals)[number]] : removals;
      const outcomes = new Map(ways.map(([name]) => [name, { kept: 0, told: 0 }]));
      let longest = 60;
      for (let moment = 0; moment < MOMENTS; moment++) {
        const [name, remove] = ways[moment % ways.length]!;
        await test.database.query(`
          truncate customer, legal_hold, legal_hold_row restart identity cascade;
          insert into customer (id, deleted_at) select n, now() - interval '2 days' from generate_series(1, ${ROWS}) as n`);
        const key = 1 + Math.floor(Math.random() * ROWS);
        const began = performance.now();
        const running = remove(key).catch((error: any) =>
          expect(`${error.code} ${error.message}`).toMatch(/LEGAL_HOLD|legal hold/),
        );
        running.then(
          () => (longest = (longest * 9 + Math.min(performance.now() - began, 300)) / 10),
          () => undefined,
        );
        await sleep(Math.random() * longest);
        const isPlaced = await place(key).then(
          () => true,
          (error: any) => {
            expect(error.code).toBe('SOFT_DELETE_CONFIG');
            return false;
          },
        );
        await running;
        expect([name, key, (await ids()).includes(key)]).toEqual([name, key, isPlaced]);
        outcomes.get(name)![isPlaced ? 'kept' : 'told']++;
      }
      const all = [...outcomes.values()];
      expect(all.reduce((sum, { kept }) => sum + kept, 0)).toBeGreaterThan(0);
      expect(all.reduce((sum, { told }) => sum + told, 0)).toBeGreaterThan(0);
    },
    30_000 + MOMENTS * 2_000,
  );

  it('is seen by a removal whose snapshot is older, if there is a second connection to look with', async () => {
    await guard('disable');
    await test.database.query(HELD_ROWS);
    for (const level of [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]) {
      const em = test.orm.em.fork() as EntityManager;
      await em.begin({ isolationLevel: level });
      await em.execute('select 1 from customer');
      const { id } = await test.orm.em.fork().transactional(() => place(3));
      const removal = (em.getRepository(Customer) as unknown as SoftDeleteRepository<Customer>).hardDelete(3);
      await expect(removal).rejects.toMatchObject({
        code: 'LEGAL_HOLD',
        holds: expect.arrayContaining([{ id, name: 'dispute' }]),
      });
      await em.rollback();
    }
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it.each([undefined, 5])(
    'is let go of by a running purge once it notes another one, with batches of %s',
    async (batchSize) => {
      await guard('disable');
      await test.database.query(`
      truncate customer, legal_hold, legal_hold_row restart identity cascade;
      insert into customer (id, deleted_at) select n, now() - interval '2 days' from generate_series(1, ${ROWS}) as n`);
      const first = await place(1);
      let isReleased = false;
      const throttle = async () => {
        if (!isReleased) {
          isReleased = true;
          await holds.release(first.id, { reason: 'settled' });
          await place(ROWS);
        }
        return 'go' as const;
      };
      const report = await purge({ batchSize, throttle }).run({ entities: [Customer] });
      expect(report.entities).toMatchObject([{ entity: 'Customer', purged: ROWS - 1, held: 1, failed: 0, blocked: 0 }]);
      expect(await ids()).toEqual([ROWS]);
    },
  );
});

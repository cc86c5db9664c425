import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createCompliance, ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

const PersonSchema = softDeletable(
  personalData(
    defineEntity({
      name: 'Person',
      tableName: 'person',
      properties: {
        id: p.integer().primary(),
        name: p.text().nullable(),
        deletedAt: p.datetime().length(6).nullable(),
      },
    }),
    { subject: true, fields: { name: null } },
  ),
);
class Person extends PersonSchema.class {}
PersonSchema.setClass(Person);

describe(`Handlers of ${ErasureService.name}`, () => {
  const test = useErasures([PersonSchema]);
  let handle: (id: number) => Promise<unknown>;

  beforeAll(() =>
    test.erasures.onErase(Person, async (rows) => {
      for (const { id } of rows) {
        await handle(id);
      }
    }),
  );
  beforeEach(() => test.rows(`insert into person (id, name) values (1, 'Ada Lovelace'), (2, 'Bob Babbage')`));

  const names = async () => (await test.rows('select name from person order by id')).map(({ name }) => name as string);

  it('place holds, which keep rows that were to be erased', async () => {
    const told: number[] = [];
    const { erasures } = createCompliance(test.orm, { erasure: { ledger: ({ id }) => void told.push(id) } });
    handle = (id) => test.holds.place({ name: 'dispute', reason: 'case 7', on: [[Person, id]] });
    expect(await erasures.erase(Person, 1)).toMatchObject({
      outcome: 'partial',
      entities: [{ entity: 'Person', overwritten: 0, held: [{ key: 1, hold: 'dispute' }] }],
    });
    expect([await names(), told]).toEqual([['Ada Lovelace', 'Bob Babbage'], []]);

    await test.holds.release(1, { reason: 'settled' });
    handle = async () => undefined;
    expect(await erasures.run()).toMatchObject([{ outcome: 'completed' }]);
    expect([await names(), told]).toEqual([[null, 'Bob Babbage'], [1]]);
  });

  it('erase somebody else, in the same transaction', async () => {
    handle = async (id) => {
      if (id === 1) {
        await test.erasures.erase(Person, 2);
        expect(await names()).toEqual(['Ada Lovelace', 'Bob Babbage']);
      }
    };
    expect(await test.erasures.erase(Person, 1)).toMatchObject({ outcome: 'completed' });
    expect(await names()).toEqual([null, null]);
  });

  it('erase somebody else, whom the ledger is told of as well by the run', async () => {
    const told: number[] = [];
    let fails = true;
    const { erasures } = createCompliance(test.orm, {
      erasure: {
        ledger: ({ id }) => {
          told.push(id);
          if (fails) {
            throw new Error('the disk is full');
          }
        },
      },
    });
    handle = async (id) => id === 1 && erasures.erase(Person, 2);
    await erasures.request(Person, 1);
    expect(await erasures.run()).toMatchObject([{ outcome: 'completed' }]);
    expect([await names(), told, (await erasures.status()).owed]).toEqual([[null, null], [1, 2], 2]);

    fails = false;
    await erasures.run();
    expect([told, (await erasures.status()).owed]).toEqual([[1, 2, 1, 2], 0]);
    await erasures.run();
    expect(told).toHaveLength(4);
  });

  it('are refused where they erase the same person again, which would count twice', async () => {
    let isFirst = true;
    handle = async (id) => {
      if (isFirst) {
        isFirst = false;
        await test.erasures.erase(Person, id);
      }
    };
    await expect(test.erasures.erase(Person, 1)).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining('a handler has erased the same Person'),
    });
    expect(await names()).toEqual(['Ada Lovelace', 'Bob Babbage']);
    expect(await test.erasures.erase(Person, 1)).toMatchObject({
      outcome: 'completed',
      entities: [{ entity: 'Person', overwritten: 1 }],
    });
  });

  it('are refused where they call each other without end', async () => {
    handle = (id) => test.erasures.erase(Person, 3 - id);
    await expect(test.erasures.erase(Person, 1)).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining('@OnErase(Person): 32 handlers have called each other'),
    });
    expect(await names()).toEqual(['Ada Lovelace', 'Bob Babbage']);
  });
});

import {
  createCompliance,
  type ErasureLedgerEntry,
  ErasureService,
  OnErase,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { Attachment, Customer, Picture, Ticket, Visit } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe('the ledger of erasures', () => {
  const test = useErasures();
  let told: ErasureLedgerEntry[];
  let fails: boolean;
  let erasures: ErasureService;

  beforeAll(() => {
    const ledger = async (entry: ErasureLedgerEntry) => {
      told.push(entry);
      if (fails) {
        throw new Error('the disk is full');
      }
    };
    ({ erasures } = createCompliance(test.orm, { erasure: { ledger } }));
  });
  beforeEach(async () => {
    await test.rows(PLANT);
    [told, fails] = [[], false];
  });

  /** What a restored backup brings back. */
  const backUp = async () => {
    const [{ customers, orders }] = await test.rows(
      `select (select jsonb_agg(to_jsonb(c) order by id) from customer as c) as customers, (select jsonb_agg(to_jsonb(o) order by id) from purchase as o) as orders`,
    );
    return () =>
      test.rows(`
        update customer as c set email = b.email, name = b.name, phone = b.phone, notes = b.notes, last_ip = b.last_ip
          from jsonb_populate_recordset(null::customer, '${JSON.stringify(customers)}') as b where b.id = c.id;
        update purchase as o set ship_to = b.ship_to
          from jsonb_populate_recordset(null::purchase, '${JSON.stringify(orders)}') as b where b.id = o.id;
        alter table erasure disable trigger all; delete from erasure; alter table erasure enable trigger all`);
  };

  it('is told once of a completed erasure, of the key and of nobody', async () => {
    await erasures.erase(Customer, 1);
    await erasures.erase(Customer, 1);
    await erasures.run();
    expect(told).toEqual([
      {
        id: 1,
        entity: 'Customer',
        key: ['1'],
        requestedAt: expect.stringMatching(/Z$/),
        erasedAt: expect.stringMatching(/Z$/),
        fingerprint: {
          salt: expect.stringMatching(/^[0-9a-f]{32}$/),
          hashes: Object.fromEntries(
            ['email', 'name', 'phone', 'notes', 'last_ip'].map((column) => [
              column,
              expect.stringMatching(/^[0-9a-f]{32}$/),
            ]),
          ),
          unique: ['email'],
        },
      },
    ]);
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
    expect(await erasures.entries()).toEqual(told);
    expect(await erasures.status()).toMatchObject({ owed: 0, erasures: [{ ledger: 'told' }] });
  });

  it('that fails is told again by the next run, once, and the erasure counts as completed', async () => {
    fails = true;
    expect(await erasures.erase(Customer, 1)).toMatchObject({ outcome: 'completed' });
    expect(await erasures.status()).toMatchObject({
      open: 0,
      owed: 1,
      erasures: [{ state: 'completed', ledger: 'owed' }],
    });
    await erasures.run();
    expect([told.length, (await erasures.status()).owed]).toEqual([2, 1]);
    fails = false;
    await erasures.run();
    await erasures.run();
    expect([told.length, (await erasures.status()).owed]).toEqual([3, 0]);
  });

  it('is told by the run that carries a request out, and after the commit alone', async () => {
    await test
      .fork()
      .transactional(async () => {
        await erasures.erase(Customer, 1);
        throw new Error('no');
      })
      .catch(() => undefined);
    await erasures.run();
    expect(told).toEqual([]);
    await erasures.request(Customer, 1);
    await erasures.run();
    expect(told).toHaveLength(1);
  });

  it('has a person erased again whom a backup has brought back', async () => {
    const restore = await backUp();
    await erasures.erase(Customer, 1);
    await restore();
    // She had another name by the time of the backup: half of what was known is enough.
    await test.rows(`update customer set name = 'Ada Byron', email = 'byron@example.org' where id = 1`);
    const entries = JSON.parse(JSON.stringify(told));
    expect(await erasures.reapply(entries)).toEqual([{ entity: 'Customer', key: 1, outcome: 'erased' }]);
    expect(await test.tablesWith('Lovelace')).toEqual([]);
    expect(await test.tablesWith('Byron')).toEqual([]);
    expect(await erasures.reapply(entries)).toEqual([{ entity: 'Customer', key: 1, outcome: 'gone' }]);
    expect(told).toHaveLength(1);
    expect(await erasures.entries()).toMatchObject([{ fingerprint: told[0]!.fingerprint }]);
  });

  it('leaves somebody else alone who has the key since, and misses nobody who is gone', async () => {
    await erasures.erase(Customer, 1);
    await test.rows(
      `update customer set email = 'eve@example.org', name = 'Eve', phone = '1234567', notes = '{}' where id = 1`,
    );
    const [entry] = told;
    expect(await erasures.reapply([entry!, { ...entry!, key: ['77'] }])).toEqual([
      { entity: 'Customer', key: 1, outcome: 'mismatch' },
      { entity: 'Customer', key: 77, outcome: 'gone' },
    ]);
    expect(await test.rows('select name from customer where id = 1')).toEqual([{ name: 'Eve' }]);
  });

  it('knows nobody by a name that many have', async () => {
    await erasures.erase(Customer, 1);
    await test.rows(
      `update customer set email = 'eve@example.org', name = 'Ada Lovelace', phone = '1234567' where id = 1`,
    );
    expect(await erasures.reapply(told)).toMatchObject([{ outcome: 'mismatch' }]);
  });

  it.each([
    ['no list', 'x', 'not a list'],
    ['what is no entry', [{ entity: 'Customer', key: 7 }], 'not an entry of a ledger'],
    [
      'an unknown entity',
      [
        {
          entity: 'Client',
          key: ['1'],
          requestedAt: '2025-01-01T00:00:00Z',
          fingerprint: { salt: 's', hashes: {}, unique: [] },
        },
      ],
      'Client is not an entity',
    ],
    [
      'of the tenant of another database',
      [
        {
          schema: 'north',
          entity: 'Customer',
          key: ['1'],
          requestedAt: '2025-01-01T00:00:00Z',
          fingerprint: { salt: 's', hashes: {}, unique: [] },
        },
      ],
      'an entry is of the schema "north", where the entity manager has no erasures',
    ],
    ...[
      { key: '1' },
      { key: [1] },
      { fingerprint: undefined },
      { fingerprint: { hashes: {}, unique: [] } },
      { fingerprint: { salt: 's', unique: [] } },
      { fingerprint: { salt: 's', hashes: {} } },
      { fingerprint: { salt: 's', hashes: {}, unique: 'name' } },
      { fingerprint: { salt: 's', hashes: null, unique: [] } },
      { fingerprint: { salt: 's', hashes: ['x'], unique: [] } },
      { fingerprint: { salt: 's', hashes: { name: 5 }, unique: [] } },
      { fingerprint: { salt: 's', hashes: {}, unique: [5] } },
      { key: [] },
      { key: ['1', '2'] },
      { key: ['one'] },
      { key: ['3000000000'] },
      { requestedAt: 'soon' },
      { requestedAt: null },
      { requestedAt: 5 },
    ].map((wrong): [string, unknown, string] => [
      `an entry with ${JSON.stringify(wrong)}`,
      [
        {
          entity: 'Customer',
          key: ['1'],
          requestedAt: '2025-01-01T00:00:00Z',
          fingerprint: { salt: 's', hashes: {}, unique: [] },
          ...wrong,
        },
      ],
      'not an entry of a ledger',
    ]),
  ])('is refused where it is %s, before anything is erased', async (_what, entries, message) => {
    await erasures.erase(Customer, 1);
    const given = Array.isArray(entries) ? [...(await erasures.entries()), ...(entries as never[])] : entries;
    await test.rows(`update customer set email = 'ada@example.org', name = 'Ada Lovelace' where id = 1`);
    await expect(erasures.reapply(given as never)).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining(message),
    });
    expect(await test.rows('select email from customer where id = 1')).toEqual([{ email: 'ada@example.org' }]);
  });

  it('says of a person who is back and held that something is left', async () => {
    const restore = await backUp();
    await erasures.erase(Customer, 1);
    await restore();
    const hold = await test.holds.place({ name: 'dispute', reason: 'case 7', on: [[Customer, 1]] });
    const outcome = async () => (await erasures.reapply(told.slice(0, 1))).map((each) => each.outcome);
    expect(await outcome()).toEqual(['partial']);
    expect(await test.rows('select name from customer where id = 1')).toEqual([{ name: 'Ada Lovelace' }]);
    expect(await outcome()).toEqual(['partial']);
    await test.holds.release(hold.id, { reason: 'settled' });
    expect([await outcome(), await outcome()]).toEqual([['erased'], ['gone']]);
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('makes nothing new of an erasure that is known', async () => {
    await erasures.erase(Customer, 1);
    const entries = JSON.parse(JSON.stringify(await erasures.entries()));
    await erasures.reapply(entries);
    await erasures.reapply(entries);
    expect(await test.rows('select id, outcome from erasure')).toEqual([{ id: 1, outcome: 'completed' }]);
  });
});

describe(`@${OnErase.name}()`, () => {
  const test = useErasures();
  let calls: [string, number, string | null | undefined][];
  let isRefused: boolean;

  beforeAll(() => {
    test.erasures.onErase(
      Customer,
      async (rows, { em, actor, reason }) => {
        calls.push(...rows.map(({ id, name }): [string, number, string] => [`customer ${actor} ${reason}`, id, name]));
        em.create(Visit, { customer: 2, payload: 'told' } as never);
        if (isRefused) {
          throw new Error('the processor does not answer');
        }
      },
      { fields: ['name'] },
    );
    test.erasures.onErase(
      Ticket,
      (rows) => void calls.push(...rows.map(({ id, answer }): any => ['ticket', id, answer])),
      {
        fields: ['answer'],
      },
    );
  });
  beforeEach(async () => {
    await test.rows(PLANT);
    await test.repo(Ticket).softDelete(1);
    [calls, isRefused] = [[], false];
  });

  it('is called with the rows as they were, active and archived ones, and works in the transaction', async () => {
    await test.erasures.erase(Customer, 1, { reason: 'Art. 17' });
    expect(calls).toEqual([
      ['customer clerk Art. 17', 1, 'Ada Lovelace'],
      ['ticket', 2, null],
      ['ticket', 1, 'On its way to Ockham Park'],
    ]);
    expect(await test.rows(`select 1 from visit where payload = '"told"'`)).toHaveLength(1);
  });

  it('leaves the erasure open where it throws, and is called again', async () => {
    isRefused = true;
    await expect(test.erasures.erase(Customer, 1)).rejects.toThrow('the processor does not answer');
    expect(await test.rows('select name from customer where id = 1')).toEqual([{ name: 'Ada Lovelace' }]);
    expect(await test.rows(`select 1 from visit where payload = '"told"'`)).toEqual([]);
    expect(await test.erasures.status()).toMatchObject({ open: 1, erasures: [{ state: 'requested' }] });
    await expect(test.erasures.run()).rejects.toMatchObject({ code: 'ERASURE_FAILED' });
    isRefused = false;
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed' }]);
    expect(calls.filter(([what]) => what.startsWith('customer'))).toHaveLength(3);
  });

  it('is not called of what is held', async () => {
    await test.holds.place({ name: 'dispute', reason: 'case 7', on: [[Customer, 1]] });
    await test.erasures.erase(Customer, 1);
    expect(calls).toEqual([]);
  });

  it('is refused for what nobody erases, and for fields that are none', () => {
    expect(() => test.erasures.onErase(Picture, () => undefined)).toThrow('Picture is not declared by @PersonalData()');
    expect(() => test.erasures.onErase(Attachment, () => undefined, { fields: ['nme'] })).toThrow(
      'Did you mean "name"',
    );
    expect(() => OnErase(undefined as never)).toThrow('@OnErase()');
    expect(() => OnErase(Customer, { field: [] } as never)).toThrow('Did you mean fields');
  });
});

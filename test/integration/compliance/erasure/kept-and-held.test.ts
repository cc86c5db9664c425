import { ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer, Order, Review, Ticket } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe(`${ErasureService.name} and rows that must stay`, () => {
  const test = useErasures();
  beforeEach(() => test.rows(PLANT));

  const hold = (on: any[], name = 'dispute') => test.holds.place({ name, reason: 'case 7', on });
  const of = ({ entities }: { readonly entities: readonly { readonly entity: string }[] }, name: string) =>
    entities.find(({ entity }) => entity === name);

  it('keeps what the law keeps, says why and until when, and erases what hangs on it all the same', async () => {
    await test.rows(`update purchase set paid_at = '2024-02-29T12:00:00Z' where id = 1`);
    await test.rows('update purchase set paid_at = null where id = 2');
    const certificate = await test.erasures.erase(Customer, 1);
    expect(certificate).toMatchObject({ outcome: 'partial', residue: 2 });
    expect(of(certificate, 'Order')).toEqual({
      entity: 'Order',
      deleted: 0,
      overwritten: 0,
      fields: [],
      kept: [
        { key: 1, ground: '§147 AO', until: new Date('2034-02-28T12:00:00Z') },
        { key: 2, ground: '§147 AO', until: null },
      ],
      held: [],
    });
    expect(await test.rows('select ship_to is not null as kept from purchase order by id')).toEqual([
      { kept: true },
      { kept: true },
      { kept: true },
    ]);
    expect(await test.rows('select engraving from line order by id')).toMatchObject([
      { engraving: '' },
      { engraving: '' },
      { engraving: 'For Bob' },
    ]);
    // Nobody is late who waits for the law.
    await test.rows(`update erasure set due_at = now() - interval '1 day'`);
    expect(await test.erasures.status()).toMatchObject({ open: 1, partial: 1, overdue: 0 });
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'partial', residue: 2 }]);
    await test.rows(`update purchase set paid_at = now() - interval '10 years 1 second' where id < 3`);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('leaves held rows alone with what lies behind them, erases the rest, and completes by itself after the release', async () => {
    const { id } = await hold([[Order, 1]]);
    const certificate = await test.erasures.erase(Customer, 1);
    expect(certificate).toMatchObject({ outcome: 'partial', residue: 2 });
    expect(of(certificate, 'Order')).toMatchObject({ overwritten: 1, held: [{ key: 1, hold: 'dispute' }], kept: [] });
    expect(of(certificate, 'Line')).toMatchObject({ overwritten: 1, held: [{ key: 1, hold: 'dispute' }] });
    expect(await test.rows('select ship_to from purchase order by id')).toMatchObject([
      { ship_to: 'Ada Lovelace, St James Square 12' },
      { ship_to: null },
      {},
    ]);
    expect(await test.rows('select name from customer where id = 1')).toEqual([{ name: '[erased]' }]);
    expect(await test.erasures.run()).toMatchObject([{ id: certificate.id, outcome: 'partial' }]);
    await test.holds.release(id, { reason: 'settled' });
    const [completed] = await test.erasures.run();
    expect(completed).toMatchObject({ id: certificate.id, outcome: 'completed', residue: 0 });
    expect(of(completed!, 'Order')).toMatchObject({ overwritten: 2, held: [] });
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('erases nothing of a person who is held, whatever it is', async () => {
    await test.repo(Ticket).softDelete(1);
    await hold([[Customer, 1]], 'first');
    await hold([[Customer, 1]], 'second');
    const before = await test.rows('select to_jsonb(c) from customer as c order by id');
    const certificate = await test.erasures.erase(Customer, 1);
    expect(certificate.entities.every(({ deleted, overwritten }) => deleted + overwritten === 0)).toBe(true);
    expect(of(certificate, 'Customer')).toMatchObject({ held: [{ hold: 'first' }, { hold: 'second' }] });
    expect(of(certificate, 'Ticket')).toMatchObject({ held: [{}, {}, {}, {}] });
    expect(await test.rows('select to_jsonb(c) from customer as c order by id')).toEqual(before);
    expect(await test.tablesWith('analytical engine')).toEqual(['deletion_archive']);
    const [first] = (await test.holds.list()).toReversed();
    await test.holds.release(first!.id, { reason: 'one is over' });
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'partial' }]);
    expect(await test.tablesWith('countess')).not.toEqual([]);
  });

  it('holds what lies behind a declared way against removal, too', async () => {
    await hold([[Customer, 2]]);
    expect(await test.holds.of(Review, 2)).toMatchObject([{ name: 'dispute' }]);
    expect(await test.holds.of(Review, 1)).toEqual([]);
    await expect(test.repo(Review).hardDelete(2)).rejects.toMatchObject({ code: 'LEGAL_HOLD' });
  });

  it('lets a hold come before the law', async () => {
    await test.rows('update purchase set paid_at = now()');
    await hold([[Order, 1]]);
    expect(of(await test.erasures.erase(Customer, 1), 'Order')).toMatchObject({
      kept: [{ key: 2 }],
      held: [{ key: 1 }],
    });
  });

  it('takes a person out of each text of records, archived rows, requests and released holds', async () => {
    const text = (column: string) => `${column} of Ada Lovelace`;
    const actor = 'Ada Lovelace';
    await test.repo(Ticket).softDelete(3, { actor, reason: text('reason') });
    await test.rows(`
      insert into erasure (entity, key, requested_at, due_at, withdrawn_at, extended_at, actor, reason, extension_reason) values
        ('Customer', '["2"]', now(), now() + interval '1 month', now(), now(), '${actor}', '${text('reason')}', '${text('extension')}');
      insert into legal_hold (name, reason, placed_by, released_at, released_by, release_reason) values
        ('${text('name')}', '${text('reason')}', '${actor}', now(), '${actor}', '${text('release')}'),
        ('nobody', 'none', null, now(), null, null)`);
    await test.erasures.erase(Customer, 1);
    const pseudonym = expect.stringMatching(/^erased-[0-9a-f]{16}$/);
    const left = (column: string) => `${column} of [erased]`;
    expect(
      await test.rows('select name, reason, placed_by, released_by, release_reason from legal_hold order by id'),
    ).toEqual([
      {
        name: left('name'),
        reason: left('reason'),
        placed_by: pseudonym,
        released_by: pseudonym,
        release_reason: left('release'),
      },
      { name: 'nobody', reason: 'none', placed_by: null, released_by: null, release_reason: null },
    ]);
    expect(await test.rows(`select actor, reason, extension_reason from erasure where key = '["2"]'`)).toEqual([
      { actor: pseudonym, reason: left('reason'), extension_reason: left('extension') },
    ]);
    for (const table of ['deletion_record', 'deletion_archive']) {
      expect(await test.rows(`select distinct actor, reason from ${table} where reason like 'reason of %'`)).toEqual([
        { actor: pseudonym, reason: left('reason') },
      ]);
    }
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('takes a person out of holds that are released, and never out of those that are not', async () => {
    const { id } = await test.holds.place({ name: 'Ada Lovelace', reason: 'asks for 5 pounds', on: [[Customer, 2]] });
    await test.erasures.erase(Customer, 1);
    expect(await test.rows('select name from legal_hold')).toEqual([{ name: 'Ada Lovelace' }]);
    await test.holds.release(id, { reason: 'over' });
    await test.rows(`update customer set name = 'Ada Lovelace' where id = 1`);
    await test.erasures.erase(Customer, 1);
    expect(await test.rows('select name, release_reason from legal_hold')).toEqual([
      { name: '[erased]', release_reason: 'over' },
    ]);
  });
});

import { AsyncResource } from 'node:async_hooks';
import { NotFoundError } from '@mikro-orm/core';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { createCompliance, ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { untilBlocked } from '../../../support/blocked.js';
import { Customer, Order } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

const YEAR = 365 * 24 * 3_600_000;

describe(`${ErasureService.name}.request()`, () => {
  const test = useErasures();
  const { now } = Date;
  beforeEach(() => test.rows(PLANT));
  afterEach(() => {
    Date.now = now;
  });

  const names = () => test.rows('select name from customer order by id');

  it.each([
    ['2025-01-31T10:00:00Z', '2025-02-28T10:00:00.000Z'],
    ['2024-01-31T10:00:00Z', '2024-02-29T10:00:00.000Z'],
    ['2025-03-15T23:30:00Z', '2025-04-15T23:30:00.000Z'],
  ])('is due a month of the calendar after %s', async (requestedAt, dueAt) => {
    const erasure = await test.erasures.request(Customer, 1, { requestedAt: new Date(requestedAt) });
    expect(erasure).toMatchObject({ state: 'requested', requestedAt: new Date(requestedAt), dueAt: new Date(dueAt) });
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({
      id: erasure.id,
      dueAt: new Date(dueAt),
      onTime: false,
    });
  });

  it('is due a month from now at the latest, where it says that it was asked for at a time to come', async () => {
    const { id } = await test.erasures.request(Customer, 1, { requestedAt: new Date(now() + YEAR) });
    const [row] = await test.rows(
      `select requested_at <= clock_timestamp() and due_at <= clock_timestamp() + interval '1 month' as "isNow" from erasure where id = ${id}`,
    );
    expect(row).toEqual({ isNow: true });
  });

  it('has the deadline of the options, and of who asks', async () => {
    const requestedAt = new Date('2025-05-31T00:00:00Z');
    const due = async (erasures: ErasureService, key: number) =>
      (await erasures.request(Customer, key, { requestedAt })).dueAt;
    installSoftDelete(test.orm, { erasure: { deadline: '10d' } });
    expect(await due(test.erasures, 1)).toEqual(new Date('2025-06-10T00:00:00Z'));
    const { erasures } = createCompliance(test.orm, { erasure: { deadline: '3 months' } });
    expect(await due(erasures, 2)).toEqual(new Date('2025-08-31T00:00:00Z'));
    installSoftDelete(test.orm, { erasure: { deadline: '1 month' } });
  });

  it.each([-YEAR, YEAR])(
    'goes by the database, whatever the clock of the application says (%s ms off)',
    async (off) => {
      await test.erasures.request(Customer, 1, { after: '14d' });
      const { dueAt } = await test.erasures.request(Customer, 2);
      Date.now = () => now() + off;
      expect(await test.erasures.run()).toMatchObject([{ subject: { key: 2 }, onTime: true }]);
      expect(await test.erasures.status()).toMatchObject({ open: 1, overdue: 0 });
      const [{ is }] = await test.rows(
        `select '${dueAt.toISOString()}'::timestamptz - now() between interval '27 days' and interval '32 days' as is`,
      );
      expect(is).toBe(true);
    },
  );

  it('waits for the time that the person has to think better of it', async () => {
    const { id, notBefore } = await test.erasures.request(Customer, 1, { after: '14d', reason: 'by mail' });
    expect(notBefore!.getTime()).toBeGreaterThan(now() + 13 * 24 * 3_600_000);
    expect(await test.erasures.run()).toEqual([]);
    expect(await names()).toMatchObject([{ name: 'Ada Lovelace' }, {}]);
    await test.rows(`update erasure set not_before = now() - interval '1 second'`);
    expect(await test.erasures.run()).toMatchObject([{ id, outcome: 'completed' }]);
    expect(await names()).toMatchObject([{ name: '[erased]' }, { name: 'Bob Babbage' }]);
    expect(await test.log.find({ entity: Customer, action: 'erased' })).toMatchObject([{ reason: 'by mail' }]);
    // Once to see that nothing came after it, and then no more.
    expect(await test.erasures.run()).toEqual([]);
    test.statements.length = 0;
    expect(await test.erasures.run()).toEqual([]);
    expect(test.statements).toHaveLength(2);
  });

  it('is one, however often it is asked for', async () => {
    const first = await test.erasures.request(Customer, 1);
    expect(await test.erasures.request(Customer, 1)).toEqual(first);
    await test.erasures.run();
    expect((await test.erasures.request(Customer, 1)).id).toBe(first.id + 1);
  });

  it.each(['request', 'erase'] as const)('is one, if %s() comes while it is being asked for', async (ask) => {
    const askOutside = AsyncResource.bind(() => test.erasures[ask](Customer, 1));
    let other: Promise<unknown>;
    await test.fork().transactional(async () => {
      await test.erasures.request(Customer, 1);
      other = askOutside();
      await untilBlocked(test.database, other);
    });
    expect(await other!).toMatchObject({ id: 1 });
    expect(await test.rows('select id from erasure')).toEqual([{ id: 1 }]);
  });

  it('can be withdrawn until it is carried out', async () => {
    const { id } = await test.erasures.request(Customer, 1);
    expect(await test.erasures.withdraw(id)).toMatchObject({ id, state: 'withdrawn', withdrawnAt: expect.any(Date) });
    expect(await test.erasures.run()).toEqual([]);
    await expect(test.erasures.withdraw(id)).rejects.toThrow(`the erasure ${id} is withdrawn`);
    await expect(test.erasures.withdraw(id + 1)).rejects.toThrow('there is no erasure');
    const { id: other } = await test.erasures.erase(Customer, 1);
    expect(other).not.toBe(id);
    await expect(test.erasures.withdraw(other)).rejects.toThrow('is completed');
  });

  it('can be extended by two months, once, with a reason', async () => {
    const { id } = await test.erasures.request(Customer, 1, { requestedAt: new Date('2025-12-31T00:00:00Z') });
    expect(await test.erasures.extend(id, 'many requests')).toMatchObject({
      dueAt: new Date('2026-03-31T00:00:00Z'),
      extendedAt: expect.any(Date),
    });
    await expect(test.erasures.extend(id, 'again')).rejects.toThrow('was extended before');
    await expect(test.erasures.extend(id, ' ')).rejects.toThrow('reason');
    expect(await test.rows('select extension_reason from erasure')).toEqual([{ extension_reason: 'many requests' }]);
  });

  it.each([undefined, null, '1', 1.5, NaN, 2 ** 53])('is not known by %p, which is no id', async (id) => {
    await test.erasures.request(Customer, 1);
    await expect((async () => test.erasures.withdraw(id as never))()).rejects.toThrow(
      /^ErasureService\.withdraw\(\): .* is not the id of an erasure\. request\(\) and status\(\) return it\.$/,
    );
    await expect(test.erasures.extend(id as never, 'many')).rejects.toThrow(/^ErasureService\.extend\(\): /);
    expect(await test.rows('select withdrawn_at, extended_at from erasure')).toEqual([
      { withdrawn_at: null, extended_at: null },
    ]);
  });

  it('is overdue once its time is over', async () => {
    await test.erasures.request(Customer, 1, { requestedAt: new Date('2020-01-01T00:00:00Z') });
    expect(await test.erasures.status()).toMatchObject({
      open: 1,
      overdue: 1,
      nextDueAt: new Date('2020-02-01T00:00:00Z'),
      erasures: [{ isOverdue: true }],
    });
    expect(await test.erasures.run()).toMatchObject([{ onTime: false }]);
    expect(await test.erasures.status()).toMatchObject({ open: 0, overdue: 0, erasures: [{ state: 'completed' }] });
  });

  it('is refused for nobody, and with options that cannot work', async () => {
    await expect(test.erasures.request(Customer, 99)).rejects.toThrow(NotFoundError);
    await expect(test.erasures.request(Order, 1)).rejects.toMatchObject({ code: 'ERASURE_UNDECLARED' });
    await expect(test.erasures.request(Customer, 1, { after: '14' as never })).rejects.toThrow('has no unit');
    await expect(test.erasures.request(Customer, 1, { afer: '14d' } as never)).rejects.toThrow('Did you mean after');
    await expect(test.erasures.request(Customer, 1, { requestedAt: 'now' as never })).rejects.toThrow('not a date');
    expect(await test.rows('select 1 from erasure')).toEqual([]);
  });

  it('is written once: neither whose it is nor since when can be changed, and no row goes', async () => {
    await test.erasures.request(Customer, 1);
    for (const sql of [
      `update erasure set key = '["2"]'`,
      `update erasure set requested_at = now()`,
      'delete from erasure',
    ]) {
      await expect(test.rows(sql)).rejects.toThrow('Refused to');
    }
  });

  it('that fails leaves the others alone, and stays open', async () => {
    await test.erasures.request(Customer, 1);
    await test.erasures.request(Customer, 2);
    await test.rows(`alter table customer add constraint no check (id <> 1 or name <> '[erased]')`);
    await expect(test.erasures.run()).rejects.toMatchObject({
      code: 'ERASURE_FAILED',
      failed: [{ id: expect.any(Number), entity: 'Customer' }],
    });
    expect(await test.erasures.status()).toMatchObject({
      open: 1,
      erasures: [{ state: 'requested' }, { state: 'completed' }],
    });
    await test.rows('alter table customer drop constraint no');
    expect(await test.erasures.run()).toMatchObject([{ subject: { key: 1 }, outcome: 'completed' }]);
  });
});

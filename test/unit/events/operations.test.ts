import type { EntityMetadata } from '@mikro-orm/core';
import type { Operation, OperationPart, OperationPlace } from '../../../lib/events/operation.js';
import { Operations } from '../../../lib/events/operations.js';
import type { SoftDeleteEvent } from '../../../lib/events/soft-delete-events.js';
import type { TransactionState } from '../../../lib/events/transaction-state.js';

const part = (className: string, more: Partial<OperationPart> = {}): OperationPart => ({
  meta: { className } as EntityMetadata,
  count: 1,
  ...more,
});
const PLACE = { em: {}, ctx: {} } as OperationPlace;
const UNIT = { text: '2026-01-01 00:00:00.000000+00', date: new Date('2026-01-01') };

describe(Operations, () => {
  let operations: Operations;
  let emitted: [object, SoftDeleteEvent][];
  let log: string[];

  beforeEach(() => {
    emitted = [];
    log = [];
    operations = new Operations({
      emitAfterCommit: (ctx: object, event: SoftDeleteEvent) => void emitted.push([ctx, event]),
    } as unknown as TransactionState);
  });

  const complete = (parts: OperationPart[], more: Partial<Operation> = {}) =>
    operations.complete({ action: 'deleted', parts, ...more } as never, PLACE);
  const noting = (name: string) => async (operation: Operation, place: OperationPlace) => {
    expect(place).toBe(PLACE);
    log.push(`${name}: ${operation.parts.map(({ meta }) => meta.className).join()}`);
    await Promise.resolve();
    log.push(`${name} is over`);
  };

  it('is attended once somebody listens, which a hook does not', () => {
    expect(operations.isAttended).toBe(false);
    operations.hook(noting('hook'));
    expect(operations.isAttended).toBe(false);
    operations.attend(noting('listener'));
    expect(operations.isAttended).toBe(true);
  });

  it('calls the listeners one after the other and then the hooks, with what has rows', async () => {
    operations.hook(noting('hook'));
    operations.attend(noting('first'));
    operations.attend(noting('second'));
    await complete([part('User'), part('Order', { count: 0 }), part('Note')]);
    expect(log).toEqual([
      'first: User,Note',
      'first is over',
      'second: User,Note',
      'second is over',
      'hook: User,Note',
      'hook is over',
    ]);
    expect(emitted.map(([, { entity }]) => entity)).toEqual(['User', 'Note']);
  });

  it('calls nobody where nothing was done', async () => {
    operations.hook(noting('hook'));
    operations.attend(noting('listener'));
    await complete([part('User', { count: 0 })]);
    await complete([]);
    expect([log, emitted]).toEqual([[], []]);
  });

  it('emits after the commit of its transaction what is known, and nothing else', async () => {
    await complete([part('User', { count: 2, keys: [1, 2] }), part('Order')], {
      unit: UNIT,
      actor: 'ada',
      reason: 'duplicate',
    });
    await complete([part('User')]);
    const shared = { type: 'deleted', deletedAt: UNIT.date, actor: 'ada', reason: 'duplicate' };
    expect(emitted).toEqual([
      [PLACE.ctx, { ...shared, entity: 'User', keys: [1, 2], count: 2 }],
      [PLACE.ctx, { ...shared, entity: 'Order', count: 1 }],
      [PLACE.ctx, { type: 'deleted', entity: 'User', count: 1 }],
    ]);
    expect(emitted.map(([, event]) => Object.keys(event).length)).toEqual([7, 6, 3]);
  });

  it('tells the listeners alone where no transaction of the ORM is told', async () => {
    operations.hook(noting('hook'));
    operations.attend(noting('listener'));
    const [user, order] = [part('User'), part('Order', { count: 0 })];
    expect(await operations.notify({ action: 'purged', parts: [user, order] }, PLACE)).toEqual([user]);
    expect(log).toEqual(['listener: User', 'listener is over']);
    expect(emitted).toEqual([]);
  });

  it.each(['attend', 'hook'] as const)('emits nothing where one of %s() throws, and knows its error', async (door) => {
    const [refusal, other] = [new Error('no'), new Error('other')];
    operations[door](() => Promise.reject(refusal));
    operations[door](noting('later'));
    await expect(complete([part('User')])).rejects.toBe(refusal);
    expect([log, emitted]).toEqual([[], []]);
    expect([refusal, other, null, undefined, 'no'].map((error) => operations.isRefusal(error))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([
    ['a text', 'no'],
    ['nothing', undefined],
    ['null', null],
  ])('passes on %s that is thrown', async (_, thrown) => {
    operations.attend(() => Promise.reject(thrown));
    await expect(complete([part('User')])).rejects.toBe(thrown);
    expect(operations.isRefusal(thrown)).toBe(false);
  });
});

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeleteEvent, SoftDeleteEvents } from '../../../lib/events/soft-delete-events.js';
import { TransactionState } from '../../../lib/events/transaction-state.js';

describe(TransactionState.name, () => {
  const MANY = 200_000;
  const em = {} as EntityManager;
  const outer = {} as Transaction;
  const savepoint = { savepointName: 'trx1' } as Transaction;

  function begin() {
    const emitted: SoftDeleteEvent[] = [];
    const events = { emit: (event: SoftDeleteEvent) => void emitted.push(event) } as unknown as SoftDeleteEvents;
    const state = new TransactionState(events);
    state.started(em, outer);
    state.starting(em, outer);
    state.started(em, savepoint);
    return { state, emitted };
  }

  it('hands all events of a savepoint on, and out when the transaction commits', () => {
    const { state, emitted } = begin();
    for (let i = 0; i < MANY; i++) {
      state.emitAfterCommit(savepoint, { count: i } as SoftDeleteEvent);
    }
    state.committed(savepoint);
    expect(emitted).toEqual([]);
    state.committed(outer);
    expect(emitted).toHaveLength(MANY);
  });

  it('undoes what a savepoint did to memory when the transaction rolls back, the latest first', () => {
    const { state } = begin();
    const undone: number[] = [];
    for (let i = 0; i < MANY; i++) {
      state.undoOnRollback(savepoint, () => undone.push(i));
    }
    state.committed(savepoint);
    state.rolledBack(outer);
    expect(undone).toHaveLength(MANY);
    expect([undone[0], undone.at(-1)]).toEqual([MANY - 1, 0]);
  });

  it('puts memory right, the latest first, where a savepoint is taken back, and says nothing of it later', () => {
    const { state, emitted } = begin();
    const undone: string[] = [];
    state.undoOnRollback(outer, () => undone.push('outer'));
    state.undoOnRollback(savepoint, () => undone.push('first'));
    state.undoOnRollback(savepoint, () => undone.push('second'));
    state.emitAfterCommit(savepoint, {} as SoftDeleteEvent);
    state.rolledBack(savepoint);
    expect(undone).toEqual(['second', 'first']);
    state.committed(outer);
    expect([undone, emitted]).toEqual([['second', 'first'], []]);
    state.rolledBack(outer);
    expect(undone).toHaveLength(2);
  });

  it('keeps the slot of a savepoint that lasts, and forgets one that does not', () => {
    const slot = { slot: 3, last: '7' };
    const { state } = begin();
    expect([state.unitSlot(outer), state.unitSlot(savepoint)]).toEqual([undefined, undefined]);
    state.keepUnitSlot(savepoint, slot);
    expect([state.unitSlot(outer), state.unitSlot(savepoint)]).toEqual([undefined, slot]);
    state.committed(savepoint);
    expect(state.unitSlot(outer)).toBe(slot);

    const second = begin().state;
    second.keepUnitSlot(outer, slot);
    expect(second.unitSlot(savepoint)).toBe(slot);
    second.committed(savepoint);
    expect(second.unitSlot(outer)).toBe(slot);

    const third = begin().state;
    third.keepUnitSlot(savepoint, slot);
    third.rolledBack(savepoint);
    expect(third.unitSlot(outer)).toBeUndefined();
  });

  it('takes in what belongs to a transaction that nobody announced', () => {
    const { state, emitted } = begin();
    const other = {} as Transaction;
    const event = {} as SoftDeleteEvent;
    state.committed(other);
    state.rolledBack(other);
    state.emitAfterCommit(other, event);
    state.committed(other);
    expect(emitted).toEqual([event]);
  });

  it('takes a transaction that is no savepoint for one of its own, wherever it starts', () => {
    const { state, emitted } = begin();
    const other = {} as Transaction;
    state.starting(em, outer);
    state.started(em, other);
    state.emitAfterCommit(other, {} as SoftDeleteEvent);
    state.committed(other);
    expect(emitted).toHaveLength(1);
    const later = { savepointName: 'trx2' } as Transaction;
    state.started(em, later);
    state.emitAfterCommit(later, {} as SoftDeleteEvent);
    state.committed(later);
    expect(emitted).toHaveLength(2);
  });

  it('lets work in savepoints of one transaction take turns, and no other', async () => {
    const { state } = begin();
    const order: string[] = [];
    let finish!: () => void;
    const first = state.inTurn(savepoint, async () => {
      order.push('first begins');
      await new Promise<void>((resolve) => (finish = resolve));
      order.push('first ends');
    });
    const second = state.inTurn(outer, async () => order.push('second'));
    const elsewhere = state.inTurn({} as Transaction, async () => order.push('elsewhere'));
    const without = state.inTurn(undefined, async () => order.push('without'));
    await Promise.all([elsewhere, without]);
    expect(order.toSorted()).toEqual(['elsewhere', 'first begins', 'without']);
    finish();
    await Promise.all([first, second]);
    expect(order.slice(-2)).toEqual(['first ends', 'second']);
  });

  it('knows the transactions of operations', () => {
    const { state } = begin();
    state.claim(savepoint);
    expect([state.isClaimed(savepoint), state.isClaimed(outer)]).toEqual([true, false]);
  });
});

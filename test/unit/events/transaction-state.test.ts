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
});

import type { Operation, OperationListener, OperationPlace } from './operation.js';
import type { TransactionState } from './transaction-state.js';

/**
 * The one spot where every door says what it did, once its statements have run and before its transaction, or savepoint, commits.
 *
 * @internal
 */
export class Operations {
  readonly #listeners: OperationListener[] = [];

  constructor(private readonly transactions: TransactionState) {}

  /** Whether anybody listens inside of transactions, so that it is worth finding out which rows an operation has reached. */
  get isAttended(): boolean {
    return this.#listeners.length > 0;
  }

  attend(listener: OperationListener): void {
    this.#listeners.push(listener);
  }

  /** Tells the listeners at once, and the events after the outermost commit. */
  async complete(operation: Operation, place: OperationPlace): Promise<void> {
    const parts = await this.notify(operation, place);
    const { action, unit, actor, reason } = operation;
    for (const { meta, count, keys } of parts) {
      this.transactions.emitAfterCommit(place.ctx, {
        type: action,
        entity: meta.className,
        ...(keys ? { keys } : {}),
        count,
        ...(unit ? { deletedAt: unit.date } : {}),
        ...(actor === undefined ? {} : { actor }),
        ...(reason === undefined ? {} : { reason }),
      });
    }
  }

  /** Tells the listeners alone, where the transaction is none of the ORM's. @returns what was done */
  async notify(operation: Operation, place: OperationPlace): Promise<Operation['parts']> {
    const parts = operation.parts.filter(({ count }) => count > 0);
    for (const listener of parts.length > 0 ? this.#listeners : []) {
      await listener({ ...operation, parts }, place);
    }
    return parts;
  }
}

import type { Operation, OperationListener, OperationPlace } from './operation.js';
import type { SoftDeleteEvent } from './soft-delete-events.js';
import type { TransactionState } from './transaction-state.js';

/**
 * The one spot where every door says what it did, once its statements have run and before its transaction, or savepoint, commits. Only
 * the batches of a purge do not: the statement that removes rows, from their table or from the archive, writes their record.
 *
 * @internal
 */
export class Operations {
  readonly #listeners: OperationListener[] = [];
  readonly #hooks: OperationListener[] = [];
  readonly #refusals = new WeakSet<object>();

  constructor(private readonly transactions: TransactionState) {}

  /** Whether anybody listens inside of transactions, so that it is worth finding out which rows an operation has reached. */
  get isAttended(): boolean {
    return this.#listeners.length > 0;
  }

  attend(listener: OperationListener): void {
    this.#listeners.push(listener);
  }

  /** Has somebody called after all listeners, who looks for the rows by himself. */
  hook(listener: OperationListener): void {
    this.#hooks.push(listener);
  }

  /** Whether an error is what a listener has thrown, rather than what the operation ran into. */
  isRefusal(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#refusals.has(error);
  }

  /** Tells the listeners at once, and the events after the outermost commit. */
  async complete(operation: Operation & { action: SoftDeleteEvent['type'] }, place: OperationPlace): Promise<void> {
    const parts = await this.notify(operation, place);
    await this.#call(this.#hooks, { ...operation, parts }, place);
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
    await this.#call(this.#listeners, { ...operation, parts }, place);
    return parts;
  }

  async #call(listeners: readonly OperationListener[], operation: Operation, place: OperationPlace): Promise<void> {
    try {
      for (const listener of operation.parts.length > 0 ? listeners : []) {
        await listener(operation, place);
      }
    } catch (error) {
      if (typeof error === 'object' && error !== null) {
        this.#refusals.add(error);
      }
      throw error;
    }
  }
}

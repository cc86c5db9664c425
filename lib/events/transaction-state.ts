import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeleteEvent, SoftDeleteEvents } from './soft-delete-events.js';
import { Turns } from './turns.js';

/** What makes the times of deletion of one transaction its own. @internal */
export interface UnitSlot {
  readonly slot: number;
  /** The last time given out, in microseconds since 1970. */
  readonly last: string;
}

/** What a transaction or savepoint owes the outside: events once it is committed, memory put right if it is not. */
interface Pending {
  readonly parent: Transaction | undefined;
  readonly events: SoftDeleteEvent[];
  readonly undo: (() => void)[];
  unitSlot?: UnitSlot;
}

/**
 * Holds back, per transaction, what must only happen when the outermost one commits, and what must be taken back when it, or a
 * savepoint within it, rolls back. Fed by the ORM's transaction events, so it knows every transaction that the ORM opens.
 *
 * @internal
 */
export class TransactionState {
  readonly #pending = new WeakMap<Transaction, Pending>();
  readonly #starting = new WeakMap<EntityManager, Transaction | undefined>();

  readonly #outer = new WeakMap<Transaction, Transaction>();
  readonly #turns = new Turns();
  readonly #own = new WeakSet<Transaction>();

  constructor(private readonly events: SoftDeleteEvents) {}

  /** Runs work that must have a transaction to itself: what else is done in it by this ORM waits until it is over. */
  inTurn<Result>(ctx: Transaction | undefined, work: () => Promise<Result>): Promise<Result> {
    let outermost = ctx;
    while (outermost && this.#outer.has(outermost)) {
      outermost = this.#outer.get(outermost);
    }
    return outermost ? this.#turns.take(outermost, work) : work();
  }

  /** Notes that a transaction or savepoint belongs to one operation of this package: no flush runs in it. */
  claim(ctx: Transaction): void {
    this.#own.add(ctx);
  }

  isClaimed(ctx: Transaction): boolean {
    return this.#own.has(ctx);
  }

  /** Remembers an event until the outermost transaction commits. */
  emitAfterCommit(ctx: Transaction, event: SoftDeleteEvent): void {
    this.#of(ctx).events.push(event);
  }

  /** Remembers how memory is put back if the transaction or savepoint does not last. */
  undoOnRollback(ctx: Transaction, undo: () => void): void {
    this.#of(ctx).undo.push(undo);
  }

  /** The slot that the transaction, or one it is in, has taken. One taken in a savepoint is gone if that rolls back. */
  unitSlot(ctx: Transaction): UnitSlot | undefined {
    for (let pending = this.#pending.get(ctx); pending;) {
      if (pending.unitSlot) {
        return pending.unitSlot;
      }
      pending = pending.parent && this.#pending.get(pending.parent);
    }
    return undefined;
  }

  keepUnitSlot(ctx: Transaction, unitSlot: UnitSlot): void {
    this.#of(ctx).unitSlot = unitSlot;
  }

  /** A savepoint announces itself with the transaction it is in. */
  starting(em: EntityManager, parent: Transaction | undefined): void {
    this.#starting.set(em, parent);
  }

  started(em: EntityManager, ctx: Transaction): void {
    const parent = 'savepointName' in ctx ? this.#starting.get(em) : undefined;
    this.#starting.delete(em);
    if (parent) {
      this.#outer.set(ctx, parent);
    }
    this.#pending.set(ctx, { parent, events: [], undo: [] });
  }

  committed(ctx: Transaction): void {
    const pending = this.#take(ctx);
    if (!pending) {
      return;
    }
    if (pending.parent) {
      const outer = this.#of(pending.parent);
      // One by one, since they may be more than a call can have arguments.
      pending.events.forEach((event) => outer.events.push(event));
      pending.undo.forEach((undo) => outer.undo.push(undo));
      outer.unitSlot = pending.unitSlot ?? outer.unitSlot;
      return;
    }
    pending.events.forEach((event) => this.events.emit(event));
  }

  rolledBack(ctx: Transaction): void {
    this.#take(ctx)
      ?.undo.toReversed()
      .forEach((undo) => undo());
  }

  #of(ctx: Transaction): Pending {
    let pending = this.#pending.get(ctx);
    if (!pending) {
      pending = { parent: undefined, events: [], undo: [] };
      this.#pending.set(ctx, pending);
    }
    return pending;
  }

  #take(ctx: Transaction): Pending | undefined {
    const pending = this.#pending.get(ctx);
    this.#pending.delete(ctx);
    return pending;
  }
}

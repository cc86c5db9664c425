import { AsyncLocalStorage } from 'node:async_hooks';

/** One piece of work on a transaction, and the end of the queue of what is asked for within it. */
class Turn {
  isOver = false;
  last: Promise<void> = Promise.resolve();

  constructor(
    readonly transaction: object,
    readonly within?: Turn,
  ) {}
}

/**
 * Lets pieces of work on one transaction run one after the other, in the order in which they were asked for.
 *
 * The savepoints of one connection are a stack, and the ORM names them by their depth (`begin` in `AbstractSqlConnection.js`): of two
 * that are open at once, rolling back one takes what the other has written, which goes on to report success. What is asked for
 * within a turn runs within it, after what was asked for there before, so that nothing waits for the turn it is part of.
 *
 * @internal
 */
export class Turns {
  readonly #current = new AsyncLocalStorage<Turn>();
  readonly #transactions = new WeakMap<object, Turn>();

  async take<Result>(transaction: object, work: () => Promise<Result>): Promise<Result> {
    const within = this.#running(transaction) ?? this.#whole(transaction);
    const turn = new Turn(transaction, this.#current.getStore());
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = within.last;
    within.last = promise;
    await before;
    try {
      return await this.#current.run(turn, work);
    } finally {
      turn.isOver = true;
      // What was asked for within the turn and not waited for belongs to it all the same.
      void turn.last.then(resolve);
    }
  }

  /** The innermost turn on the transaction that the caller is part of. Timers and the like may outlive theirs. */
  #running(transaction: object): Turn | undefined {
    let turn = this.#current.getStore();
    while (turn && (turn.transaction !== transaction || turn.isOver)) {
      turn = turn.within;
    }
    return turn;
  }

  #whole(transaction: object): Turn {
    const known = this.#transactions.get(transaction) ?? new Turn(transaction);
    this.#transactions.set(transaction, known);
    return known;
  }
}

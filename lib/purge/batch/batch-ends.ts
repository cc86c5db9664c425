import { isDeepStrictEqual } from 'node:util';
import type { BatchTransaction } from '../connection/purge-connection.js';
import type { BatchRange } from '../fragments/batch-range.js';
import { type BatchEndRow, findBatchEnds } from '../statements/find-batch-ends.js';
import type { DueRows } from '../fragments/row-sql.js';

type Cursor = readonly string[];

/** For how many batches ends are read ahead. */
const BATCHES_AHEAD = 8;

/**
 * Where the batches of one pass end. Finding out means to pass the index over the rows of a batch, so it is done for several batches
 * at once, in steps of which a batch takes as many as it is to hold: that saves trips, and where due rows lie all over a
 * table, the index alone tells which of them are there only until batches have changed its pages.
 *
 * In physical order each batch looks for its own end, since what it passes are the pages that it is about to read anyway; and so it
 * does without an index, where each step would sort all due rows.
 *
 * @internal
 */
export class BatchEnds {
  #batchesAhead = BATCHES_AHEAD;
  /** The cursor behind which ends were read, and the ends. */
  #places: readonly (Cursor | undefined)[] = [];
  #isEnd = false;

  /** @param step - how many rows lie between two ends */
  constructor(private readonly step: number) {}

  /** The size of a batch as whole steps, unless it is smaller than one. */
  round(size: number): number {
    return size < this.step ? size : size - (size % this.step);
  }

  /** The cursor behind the last row of a range; nothing if fewer rows are left than it could hold. */
  async next(transaction: BatchTransaction, rows: DueRows, range: BatchRange): Promise<Cursor | undefined> {
    const isByIndex = range.order !== 'place' && rows.plan.entity.hasPurgeIndex;
    if (!isByIndex || range.size < this.step) {
      const [end] = await transaction.execute<BatchEndRow>(findBatchEnds(rows, range, range.size, 1));
      return end?.last;
    }
    const steps = range.size / this.step;
    let at = this.#places.findIndex((place) => isDeepStrictEqual(place, range.cursor));
    if (at < 0 || (at + steps >= this.#places.length && !this.#isEnd)) {
      await this.#readAhead(transaction, rows, range, steps);
      at = 0;
    }
    return this.#places[at + steps];
  }

  async #readAhead(transaction: BatchTransaction, rows: DueRows, range: BatchRange, steps: number): Promise<void> {
    const count = steps * this.#batchesAhead;
    // Where it takes too long, each batch looks for its own end from now on.
    this.#batchesAhead = 1;
    const ends = await transaction.execute<BatchEndRow>(findBatchEnds(rows, range, this.step, count));
    this.#batchesAhead = count / steps;
    this.#places = [range.cursor, ...ends.map(({ last }) => last)];
    this.#isEnd = ends.length < count;
  }
}

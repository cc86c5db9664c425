/** By what factor two sizes differ for them to count as different ones. @internal */
export const DISTINCT = 1.25;

/** How much of what a smaller batch should have saved it must save, or it was not too large. */
const SAVED = 0.25;

/** What batches of about one size took. @internal */
export interface Sample {
  readonly rows: number;
  readonly ms: number;
}

/**
 * What a batch costs: a fixed part, whatever it holds (trips over the network, the planning of a statement over many partitions), and a
 * part for each row.
 *
 * One size cannot tell them apart. Two sizes can: the costs are the line through a small batch and the recent ones.
 *
 * @internal
 */
export class BatchCosts {
  #small: Sample | undefined;
  /** Batches of the present size. */
  #recent: Sample | undefined;

  /** @param aim - how long the rows of a batch should take, in milliseconds */
  constructor(private readonly aim: number) {}

  /** Without a small batch, the whole time counts as the rows'. */
  get hasSmall(): boolean {
    return this.#small !== undefined;
  }

  /** What a batch takes without its rows, and each of its rows, in milliseconds. */
  split(): { readonly fixed: number; readonly perRow: number } {
    const [small, recent] = [this.#small, this.#recent];
    if (!recent) {
      return { fixed: 0, perRow: 0 };
    }
    if (!small || small.rows * DISTINCT > recent.rows) {
      return { fixed: 0, perRow: recent.ms / recent.rows };
    }
    const perRow = Math.max(0, (recent.ms - small.ms) / (recent.rows - small.rows));
    return { fixed: Math.max(0, Math.min(small.ms, recent.ms) - perRow * small.rows), perRow };
  }

  learn(now: Sample): void {
    const before = this.#recent;
    if (before && before.rows > now.rows && isOther(before, now)) {
      const { fixed, perRow } = this.split();
      const expected = fixed + perRow * now.rows;
      if (before.ms - now.ms < (before.ms - expected) * SAVED) {
        // It was not because of its rows that the batch took long, whatever smaller ones took at another time.
        this.#small = { rows: now.rows, ms: (expected + now.ms) / 2 };
        return;
      }
    }
    if (before && this.#small && now.rows >= 2 * before.rows && this.split().fixed > this.aim) {
      // The first rows of a batch may cost more than further ones, each being the first of a partition. Growing is about further ones.
      this.#small = before;
    }
    this.#recent = mix(before, now);
  }

  learnSmall(small: Sample): void {
    this.#small = small;
  }

  /** The recent batches are small themselves: the next one will be larger. */
  takeRecentAsSmall(): void {
    this.#small = this.#recent;
  }

  forgetSmall(): void {
    this.#small = undefined;
  }

  forget(): void {
    this.#small = undefined;
    this.#recent = undefined;
  }
}

function isOther(one: Sample, other: Sample): boolean {
  return Math.max(one.rows, other.rows) >= DISTINCT * Math.min(one.rows, other.rows);
}

/** Every measurement has its noise: of one size, each counts as much as all before. */
function mix(before: Sample | undefined, now: Sample): Sample {
  return before && !isOther(before, now) ? { rows: (before.rows + now.rows) / 2, ms: (before.ms + now.ms) / 2 } : now;
}

/** How large batches are, and how long the rows of one should take. @internal */
export interface BatchSizeLimits {
  readonly start: number;
  readonly smallest: number;
  readonly largest: number;
  /** Milliseconds. */
  readonly aim: number;
  /** How long they may take where a batch takes long anyway, in milliseconds. */
  readonly longest: number;
}

/** Unless a table needs more care. @internal */
export const BATCH_SIZE_LIMITS: BatchSizeLimits = { start: 500, smallest: 50, largest: 5_000, aim: 50, longest: 100 };

/** The limits where nothing needs more care, or the size that the caller fixes. @internal */
export function batchSizeLimits(fixed: number | undefined): BatchSizeLimits {
  return fixed === undefined
    ? BATCH_SIZE_LIMITS
    : { ...BATCH_SIZE_LIMITS, start: fixed, smallest: fixed, largest: fixed };
}

/** Longer than any batch should take, so that the next ones are smaller. In milliseconds. */
const STATEMENT_TIMEOUT = 500;
const LONGEST_STATEMENT_TIMEOUT = 60_000;
/** How far two sizes have to be apart to count as different ones. */
const DISTINCT = 1.25;
/** How much smaller a probe is than the batch that gave reason for it. */
const PROBE = 16;
/** After how many batches what a batch takes anyway is looked at again. */
const PROBES_AGAIN = 12;

/** By what share of itself what a batch takes anyway differs from one batch to the next. */
const NOISE = 0.5;

/** How much of what a smaller batch should have saved it must save, or it was not too large. */
const SAVED = 0.25;

/** What batches of about one size took. */
interface Sample {
  readonly rows: number;
  readonly ms: number;
}

/**
 * The size of the next batch, from how long the ones before took.
 *
 * A batch costs something whatever it holds: trips over the network, the planning of a statement over many partitions. Only what its
 * rows cost is what a smaller batch saves. So where a batch takes about as long as it should or longer, small ones tell what a batch
 * takes anyway, and the size follows the time per row from then on.
 *
 * It grows at most fourfold and halves at most at a time, and comes down at once after a timeout, below the smallest size too.
 *
 * @internal
 */
export class BatchSize {
  #size: number;
  /** While a probe is made: the size to go on with after it. */
  #sizeAfterProbe: number | undefined;
  /** The last probe. */
  #small: Sample | undefined;
  /** Batches of the present size. */
  #recent: Sample | undefined;
  #sinceProbe = 0;
  #timeout = STATEMENT_TIMEOUT;
  #hasTimedOut = false;

  constructor(private readonly limits: BatchSizeLimits) {
    this.#size = limits.start;
  }

  get current(): number {
    return this.#size;
  }

  /** How long a statement over a batch may take, in milliseconds. */
  get statementTimeout(): number {
    // What a batch takes anyway is mostly over before it locks a row.
    return Math.ceil(this.#timeout + this.#costs().fixed);
  }

  /**
   * @param milliseconds - how long the database worked
   * @param rows - how many rows the batch held: one that was not full, at the end of a table, tells nothing about the size
   * @param network - how many milliseconds the batch took besides
   */
  took(milliseconds: number, rows: number, network = 0): void {
    this.#hasTimedOut = false;
    if (milliseconds < this.#timeout / 8) {
      this.#timeout = Math.max(STATEMENT_TIMEOUT, this.#timeout / 2);
    }
    if (rows < this.#size / 2) {
      return;
    }
    if (this.#sizeAfterProbe !== undefined) {
      this.#small = { rows, ms: milliseconds };
      this.#sinceProbe = 0;
      this.#size = this.#sizeAfterProbe;
      this.#sizeAfterProbe = undefined;
    } else {
      this.#sinceProbe++;
      this.#learn({ rows, ms: milliseconds });
    }
    const { aim, smallest, largest, longest: patience } = this.limits;
    const { fixed, perRow } = this.#costs();
    // Where a batch costs much anyway, its rows may take so much longer, within reason: users wait for them. What the database needs
    // for it anyway they may take in any case, or it would be busy with little else.
    const wanted = Math.max(fixed, Math.min(patience, aim + fixed + network)) / perRow;
    // Where each row is expensive, a mistake about what a batch takes anyway would be as well.
    const isWorthProbing = aim < patience && smallest < largest;
    const isLimited = wanted < this.#size * DISTINCT;
    const isDoubtful = this.#small ? this.#sinceProbe >= PROBES_AGAIN && (isLimited || fixed > aim / 2) : isLimited;
    if (isWorthProbing && isDoubtful && this.#size < 2 * PROBE) {
      // After timeouts: the batch is small itself, and the next one is the larger one to compare it with.
      this.#small = this.#recent;
      this.#sinceProbe = 0;
      this.#size *= 4;
      return;
    }
    if (isWorthProbing && isDoubtful) {
      this.#sizeAfterProbe = this.#size;
      this.#small = undefined;
      this.#size = Math.round(this.#size / PROBE);
      return;
    }
    // What the rows cost beside a batch that costs much is lost in the noise, and tells itself apart in a larger one.
    const least = perRow * this.#size < fixed * NOISE ? this.#size * 2 : this.#size / 2;
    const next = Math.min(this.#size * 4, Math.max(least, wanted));
    this.#size = Math.round(Math.min(largest, Math.max(Math.min(smallest, this.#size * 2), next)));
  }

  /**
   * A much smaller size, after a batch that took many times as long as it should and came to nothing. Where that did not help, the
   * next ones may take longer.
   */
  timedOut(): void {
    if (this.#hasTimedOut) {
      this.#timeout = Math.min(LONGEST_STATEMENT_TIMEOUT, this.#timeout * 2);
    }
    this.#hasTimedOut = true;
    this.#sizeAfterProbe = undefined;
    this.#small = undefined;
    this.#recent = undefined;
    this.#size = Math.max(1, Math.floor(this.#size / 8));
  }

  #learn(now: Sample): void {
    const before = this.#recent;
    if (before && before.rows > now.rows && isOther(before, now)) {
      const { fixed, perRow } = this.#costs();
      const expected = fixed + perRow * now.rows;
      if (before.ms - now.ms < (before.ms - expected) * SAVED) {
        // It was not because of its rows that the batch took long, whatever smaller ones took at another time.
        this.#small = { rows: now.rows, ms: (expected + now.ms) / 2 };
        return;
      }
    }
    if (before && this.#small && now.rows >= 2 * before.rows && this.#costs().fixed > this.limits.aim) {
      // The first rows of a batch may cost more than further ones, each being the first of a partition. Growing is about further ones.
      this.#small = before;
    }
    this.#recent = mix(before, now);
  }

  /** What a batch takes without its rows, and each of its rows: the line through the small ones and the recent ones. */
  #costs(): { readonly fixed: number; readonly perRow: number } {
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
}

function isOther(one: Sample, other: Sample): boolean {
  return Math.max(one.rows, other.rows) >= DISTINCT * Math.min(one.rows, other.rows);
}

/** Every measurement has its noise: of one size, each counts as much as all before. */
function mix(before: Sample | undefined, now: Sample): Sample {
  return before && !isOther(before, now) ? { rows: (before.rows + now.rows) / 2, ms: (before.ms + now.ms) / 2 } : now;
}

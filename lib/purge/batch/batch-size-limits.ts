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

/**
 * Where each row may be expensive: its removal reads a table as a whole, since a foreign key has no index, or calls hooks. Users wait
 * for their locks no longer than elsewhere, from the first batch on.
 *
 * @internal
 */
export const EXPENSIVE_ROWS_LIMITS: BatchSizeLimits = {
  ...BATCH_SIZE_LIMITS,
  start: 4,
  smallest: 1,
  longest: BATCH_SIZE_LIMITS.aim,
};

/** The limits where nothing needs more care, or the size that the caller fixes. @internal */
export function batchSizeLimits(fixed: number | undefined): BatchSizeLimits {
  return fixed === undefined
    ? BATCH_SIZE_LIMITS
    : { ...BATCH_SIZE_LIMITS, start: fixed, smallest: fixed, largest: fixed };
}

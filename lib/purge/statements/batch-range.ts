/** A stretch of due rows: those behind the cursor, at most so many. @internal */
export interface BatchRange {
  /** Where the batch before ended, as text; `undefined` at the beginning. */
  readonly cursor: readonly string[] | undefined;
  readonly size: number;
  /** Where a batch in physical order must end: the number of a page. */
  readonly untilPage: number;
}

/** What a batch did. @internal */
export interface BatchRow {
  /** How many due rows the stretch holds. */
  readonly due: number;
  /** The last of them, as the next cursor; `null` if there is none. */
  readonly last: readonly string[] | null;
  /** How many of them were removed. */
  readonly gone: number;
  /** The transaction, to ask for its fate if the connection breaks while it commits. */
  readonly transaction: string;
}

/** What became of a set of rows: done, or refused in a way that smaller sets may not be. @internal */
export type AttemptOutcome = 'done' | { readonly error: unknown; readonly isCertain: boolean };

/**
 * Finds the rows because of which a set is refused, by halving it: about two attempts per bad row and halving. Where one half
 * goes through, the other is known to hold the bad row and is not tried as a whole.
 *
 * @param attempt - tries a set; what it does for a refused set is undone
 * @param refuse - is given each row that is refused by itself
 * @internal
 */
export async function isolateFailures<Row>(
  rows: readonly Row[],
  attempt: (rows: readonly Row[]) => Promise<AttemptOutcome>,
  refuse: (row: Row, error: unknown) => void,
  known?: Exclude<AttemptOutcome, 'done'>,
): Promise<void> {
  if (rows.length === 0) {
    return;
  }
  const outcome = known ?? (await attempt(rows));
  if (outcome === 'done') {
    return;
  }
  if (rows.length === 1) {
    refuse(rows[0]!, outcome.error);
    return;
  }
  const middle = Math.ceil(rows.length / 2);
  const left = rows.slice(0, middle);
  const right = rows.slice(middle);
  const first = await attempt(left);
  if (first !== 'done') {
    await isolateFailures(left, attempt, refuse, first);
  }
  await isolateFailures(right, attempt, refuse, first === 'done' && outcome.isCertain ? outcome : undefined);
}

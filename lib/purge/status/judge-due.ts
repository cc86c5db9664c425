import type { ResolvedBrakeOptions } from '../../options/brake-options.js';
import type { PurgeBrake } from '../purge-report.js';
import type { UsualRow } from '../statements/read-usual.js';

/** How many runs have to be on record before they tell what is usual. */
const ENOUGH_RUNS = 10;

/**
 * Whether far more rows are due than usual: than earlier runs have removed, or where there are too few of these, than is a small share of
 * all rows.
 *
 * @param countOthers - counts rows that are not due, no further than asked
 * @returns nothing if not
 * @internal
 */
export async function judgeDue(
  { factor, atLeast, share }: ResolvedBrakeOptions,
  due: number,
  history: UsualRow | undefined,
  countOthers: (enough: number) => Promise<number>,
): Promise<PurgeBrake | undefined> {
  if (history && history.runs >= ENOUGH_RUNS) {
    const usual = Math.round(history.median!);
    const limit = Math.max(atLeast, Math.floor(history.median! * factor));
    return due > limit ? { due, usual, limit } : undefined;
  }
  // So many other rows make the due ones a share that is small enough; there is no need to count further.
  const enough = Math.ceil((due * (1 - share)) / share);
  const others = await countOthers(enough);
  if (others >= enough) {
    return undefined;
  }
  const limit = Math.max(atLeast, Math.floor((due + others) * share));
  return due > limit ? { due, limit } : undefined;
}

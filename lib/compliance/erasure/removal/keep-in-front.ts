import type { PersonalRows } from '../graph/personal-rows.js';

/**
 * Has rows stay in place that archived ones are behind which are kept or held. No foreign key does so: without these rows, nobody could
 * restore the archived ones, and a later run would not find them.
 *
 * @internal
 */
export function keepInFront(rows: PersonalRows): void {
  for (const row of rows.declared().filter(({ isLive, stays }) => !isLive && stays)) {
    const ground = row.whyStays();
    for (const inFront of row.inFront()) {
      inFront.needed ??= ground;
      if (inFront.isGoing) {
        inFront.blocked ??= ground;
      }
    }
  }
}

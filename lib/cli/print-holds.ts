import type { LegalHold } from '../compliance/hold/read-holds.js';
import { plainValue } from '../metadata/plain-value.js';
import type { CliContext } from './cli-context.js';
import { formatTable } from './format-table.js';
import { showDay, showKey } from './show-cell.js';

/** How many of a hold's rows stand in a line of the table. */
const SHOWN_ROWS = 3;

/** @internal */
export function printHolds(holds: readonly LegalHold[], { json, print }: CliContext): void {
  if (json) {
    holds.forEach((hold) =>
      print({ type: 'hold', ...hold, on: hold.on.map(({ entity, key }) => ({ entity, key: plainValue(key) })) }),
    );
  } else if (holds.length > 0) {
    print(formatTable(['id', 'name', 'on', 'placed', 'by', 'review', 'released', 'reason'], holds.map(cells)));
  }
}

function cells(hold: LegalHold): (string | number)[] {
  const rows = hold.on.map(({ entity, key }) => `${entity} ${showKey(key)}`);
  const more = rows.length - SHOWN_ROWS;
  return [
    hold.id,
    hold.name,
    [...rows.slice(0, SHOWN_ROWS), ...(more > 0 ? [`and ${more} more`] : [])].join(', '),
    showDay(hold.placedAt),
    hold.placedBy ?? '',
    `${showDay(hold.reviewAt)}${hold.isToBeReviewed ? ' (due)' : ''}`,
    showDay(hold.releasedAt),
    hold.releaseReason ?? hold.reason,
  ];
}

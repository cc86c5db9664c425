/** The earliest time that a `Date` can hold: the database knows `-infinity`. */
const EARLIEST = -8.64e15;

/** Milliseconds since the epoch, from the database's text. @internal */
export function milliseconds(sinceEpoch: string): number {
  return Math.max(EARLIEST, Number(sinceEpoch));
}

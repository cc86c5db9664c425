/** @internal */
export interface ClockRow {
  /** Microseconds since 1970, as text. */
  readonly now: string;
}

/** The database's clock. What is behind the milliseconds would not survive a `Date`. @internal */
export function readClock(): string {
  return `select (extract(epoch from now()) * 1000000)::int8::text as now`;
}

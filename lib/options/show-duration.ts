import ms from 'ms';

const UNITS = ['y', 'd', 'h', 'm', 's'] as const;

/** A retention as one would write it: in the largest unit that it is a whole number of. @internal */
export function showDuration(milliseconds: number): string {
  const unit = UNITS.find((candidate) => milliseconds > 0 && milliseconds % ms(`1${candidate}`) === 0);
  return unit ? `${milliseconds / ms(`1${unit}`)}${unit}` : `${milliseconds}ms`;
}

/** A retention in words: `30 days`, or `forever`. @internal */
export function describeRetention(retention: number | 'forever'): string {
  return retention === 'forever' ? retention : ms(retention, { long: true });
}

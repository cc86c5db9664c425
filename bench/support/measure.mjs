export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

export const median = (values) => quantile(values, 0.5);

/** A value with the limit it is to keep, as `COLUMNS` and `cells` show it. */
export const result = (what, value, { atLeast, atMost, unit = '×', digits = 2, details }) => ({
  what,
  value,
  measured: `${value.toFixed(digits)}${unit}`,
  limit: atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`,
  holds: atLeast === undefined ? value <= atMost : value >= atLeast,
  details,
});

export const COLUMNS = ['What', 'Measured', 'Wanted', 'Holds', 'Details'];

export const cells = ({ what, measured, limit, holds, details }) => [
  what,
  measured,
  limit,
  holds ? 'yes' : '**no**',
  details ?? '',
];

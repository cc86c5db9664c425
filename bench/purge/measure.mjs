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

export const result = (what, value, { atLeast, atMost, unit = '×', digits = 2, details }) => ({
  what,
  value,
  measured: `${value.toFixed(digits)}${unit}`,
  limit: atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`,
  ok: atLeast === undefined ? value <= atMost : value >= atLeast,
  details,
});

/** A number with its noun, in the singular or the plural: `1 row`, `2 rows`. @internal */
export function showCount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

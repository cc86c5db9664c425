/**
 * Whether the predicate of an index lets only active rows in: it demands that the column is null, and nothing is an
 * alternative to that.
 *
 * @internal
 */
export function demandsNull(predicate: string | null, column: string): boolean {
  return conditions(predicate).includes(`${column} is null`);
}

/** Whether rows with a value in the column, all of them, are in the index. @internal */
export function admitsNotNull(predicate: string | null, column: string): boolean {
  return predicate === null || conditions(predicate).join() === `${column} is not null`;
}

function conditions(predicate: string | null): string[] {
  const plain = (predicate ?? '').replace(/'(?:[^']|'')*'/g, "''").replace(/["()]/g, '');
  return /\bor\b/i.test(plain)
    ? []
    : plain
        .split(/\s+and\s+/i)
        .map((part) => part.trim().replace(/\bis( not)? null$/i, (words) => words.toLowerCase()));
}

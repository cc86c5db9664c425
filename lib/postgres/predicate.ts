import { parsePredicate, type Predicate, tokensOf } from './parse-predicate.js';

/**
 * Whether the condition of an index lets only rows in that have no value in the column.
 *
 * @internal
 */
export function demandsNull(predicate: string | null, column: string): boolean {
  return predicate !== null && demands(parsePredicate(predicate), column, true);
}

/**
 * Whether all rows that have a value in every one of the columns are in the index.
 *
 * @internal
 */
export function admitsNotNull(predicate: string | null, columns: readonly string[]): boolean {
  return predicate === null || admits(parsePredicate(predicate), columns, true);
}

/** Whether the condition of an index looks at a column. @internal */
export function mentionsColumn(predicate: string | null, column: string): boolean {
  const quoted = `"${column.replaceAll('"', '""')}"`;
  return tokensOf(predicate ?? '').some((token) => token === column || token === quoted);
}

/** Whether the column is null wherever the predicate has the given outcome. */
function demands(predicate: Predicate, column: string, outcome: boolean): boolean {
  const part = (each: Predicate) => demands(each, column, outcome);
  switch (predicate.kind) {
    case 'and':
    case 'or':
      // One part decides where all have the outcome, and any of them may be the one that has it otherwise.
      return isOfAll(predicate.kind, outcome) ? predicate.parts.some(part) : predicate.parts.every(part);
    case 'not':
      return demands(predicate.part, column, !outcome);
    case 'null':
      return outcome && predicate.column === column;
    case 'constant':
      return predicate.value !== outcome;
    case 'opaque':
      return false;
  }
}

/** Whether the predicate has the given outcome wherever the columns have values. */
function admits(predicate: Predicate, columns: readonly string[], outcome: boolean): boolean {
  const part = (each: Predicate) => admits(each, columns, outcome);
  switch (predicate.kind) {
    case 'and':
    case 'or':
      return isOfAll(predicate.kind, outcome) ? predicate.parts.every(part) : predicate.parts.some(part);
    case 'not':
      return admits(predicate.part, columns, !outcome);
    case 'null':
      return !outcome && columns.includes(predicate.column);
    case 'constant':
      return predicate.value === outcome;
    case 'opaque':
      return false;
  }
}

/** Whether all parts of `and` or `or` have an outcome that the whole has. */
function isOfAll(kind: 'and' | 'or', outcome: boolean): boolean {
  return (kind === 'and') === outcome;
}

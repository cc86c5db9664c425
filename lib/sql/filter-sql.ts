/**
 * A condition that PostgreSQL is to check, and neither to estimate nor to join by.
 *
 * Right after a deletion the statistics know of no deleted row yet, and all rows of a unit carry the same time. Where the planner goes
 * by that, it expects one row, and searches thousands again for each of thousands, which takes minutes instead of milliseconds. Of a
 * `case` it knows nothing and takes it to hold for every other row (`clause_selectivity` in PostgreSQL's `clausesel.c`).
 *
 * @internal
 */
export function filterSql(condition: string): string {
  return `case when ${condition} then true else false end`;
}

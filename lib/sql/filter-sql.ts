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

/**
 * Goes on after a query and adds no row to it, but rows to what the planner expects of it: where it takes thousands for one, it compares each
 * of them with each. Of a comparison with a number that the series never has it knows no better than that it holds for a third of it
 * (`DEFAULT_INEQ_SEL` in PostgreSQL's `selfuncs.h`).
 *
 * @param rows - how many the query may return
 * @param columns - how many columns it has
 * @internal
 */
export function expectRowsSql(rows: number, columns: number): string {
  return ` union all select ${Array(columns).fill('null').join(', ')} from generate_series(1, ${rows}) as n where n < 0`;
}

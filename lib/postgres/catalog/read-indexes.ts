/** @internal */
export interface IndexRow {
  /** The number of the table. */
  readonly table: number;
  /** The numbers of the columns that it is ordered by; 0 stands for an expression. */
  readonly numbers: readonly number[];
  readonly isPrimary: boolean;
  /** The condition of a partial index. */
  readonly condition: string | null;
}

/** The valid indexes of the tables of the given numbers. @internal */
export function readIndexes(tables: readonly number[]): string {
  return `select i.indrelid as "table", (i.indkey::int2[])[0:i.indnkeyatts - 1] as numbers,
  i.indisprimary as "isPrimary", pg_get_expr(i.indpred, i.indrelid) as condition
from pg_index as i
where i.indrelid = any('{${tables.join(',')}}'::oid[]) and i.indisvalid`;
}

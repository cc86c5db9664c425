/** @internal */
export interface ColumnRow {
  /** The number of the table. */
  readonly table: number;
  readonly number: number;
  readonly name: string;
  readonly type: string;
}

/** The columns of the tables of the given numbers. @internal */
export function readColumns(tables: readonly number[]): string {
  return `select a.attrelid as "table", a.attnum as number, a.attname as name,
  format_type(a.atttypid, -1) as type
from pg_attribute as a
where a.attrelid = any('{${tables.join(',')}}'::oid[]) and a.attnum > 0 and not a.attisdropped`;
}

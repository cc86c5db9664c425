/**
 * The names of the columns of a key, in its order.
 *
 * @param table - the oid of the table
 * @param numbers - the numbers of the columns in it
 * @internal
 */
export function keyColumnsSql(table: string, numbers: string): string {
  return `array(select a.attname::text from unnest(${numbers}) with ordinality as u(number, n)
    join pg_attribute as a on a.attrelid = ${table} and a.attnum = u.number order by u.n)`;
}

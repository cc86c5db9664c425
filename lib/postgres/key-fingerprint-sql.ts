/**
 * All that a foreign key `k` of `pg_constraint` says, as one text: itself, its tables and columns by name, its rule, whether policies may
 * hide rows that hold it. Two texts that are
 * the same say the same about the database.
 *
 * @internal
 */
export function keyFingerprintSql(): string {
  const parts = [
    'k.oid',
    'k.conname',
    'k.confdeltype',
    tableSql('k.conrelid'),
    columnsSql('k.conrelid', 'k.conkey'),
    tableSql('k.confrelid'),
    columnsSql('k.confrelid', 'k.confkey'),
    '(select r.relrowsecurity from pg_class as r where r.oid = k.conrelid)',
  ];
  return `concat_ws(' ', ${parts.join(', ')})`;
}

function tableSql(table: string): string {
  return `(select format('%I.%I', n.nspname, r.relname) from pg_class as r join pg_namespace as n on n.oid = r.relnamespace where r.oid = ${table})`;
}

function columnsSql(table: string, numbers: string): string {
  return `(select array_agg(a.attname order by u.n)::text from unnest(${numbers}) with ordinality as u(number, n)
    join pg_attribute as a on a.attrelid = ${table} and a.attnum = u.number)`;
}

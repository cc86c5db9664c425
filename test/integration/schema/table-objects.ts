import type { TestDatabase } from '../../support/database.js';

/** The definitions of all indexes of a table but the primary key, as PostgreSQL prints them, by name. */
export async function indexesOf(database: TestDatabase, table: string): Promise<Record<string, string>> {
  const rows = await database.query<{ name: string; definition: string }>(
    `select c.relname as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
     where i.indrelid = $1::regclass and not i.indisprimary order by 1`,
    [table],
  );
  return Object.fromEntries(
    rows.map(({ name, definition }) => [name, definition.replace(/^create (.*) on .* using (.*)$/i, '$1 on $2')]),
  );
}

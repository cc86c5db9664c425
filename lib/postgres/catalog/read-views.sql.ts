/** Every view and every partition of the given schemas, with its columns in order. @internal */
export const READ_VIEWS_SQL = `
select n.nspname as schema, c.relname as name, c.relispartition as "isPartition", pg_get_viewdef(c.oid) as definition,
  (select json_agg(a.attname order by a.attnum) from pg_attribute a
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where (c.relkind = 'v' or c.relispartition and c.relkind in ('r', 'p')) and n.nspname in (?)`;

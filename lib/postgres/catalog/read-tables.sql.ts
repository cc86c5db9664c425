/**
 * Every table of the given schemas, and every table elsewhere with a foreign key to one of them, with what hangs on it, one
 * row per table. The catalog's own functions print types, definitions and predicates, so that nothing has to be parsed here.
 *
 * @internal
 */
export const READ_TABLES_SQL = `
select n.nspname as schema, c.relname as name, c.reltuples::float8 as "estimatedRows", c.relkind = 'p' as partitioned,
  has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable,
  coalesce((
    select json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
      'default', pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
  coalesce((
    select json_agg(json_build_object(
      'name', ic.relname, 'unique', i.indisunique, 'primary', i.indisprimary, 'valid', i.indisvalid and i.indisready,
      'method', am.amname, 'definition', pg_get_indexdef(i.indexrelid),
      'constraint', exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = c.oid and k.contype = 'u'),
      'referencedBy', coalesce((
        select json_agg(k.conname order by k.conname) from pg_constraint k
        where k.conindid = i.indexrelid and k.contype = 'f' and k.conparentid = 0), '[]'),
      'nullsNotDistinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
      'predicate', pg_get_expr(i.indpred, i.indrelid),
      'columns', (
        select json_agg(a.attname order by k.position)
        from unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
          left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
        where k.position <= i.indnkeyatts)) order by ic.relname)
    from pg_index i join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam where i.indrelid = c.oid), '[]') as indexes,
  coalesce((
    select json_agg(json_build_object(
      'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'referencedSchema', rn.nspname, 'referencedTable', r.relname,
      'columns', (
        select json_agg(a.attname order by p.position)
        from unnest(k.conkey) with ordinality as p(attnum, position)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = p.attnum),
      'deleteRule', case k.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default'
        when 'r' then 'restrict' else 'no action' end) order by k.conname)
    from pg_constraint k join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
    where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0), '[]') as "foreignKeys",
  coalesce((
    select json_agg(json_build_object(
      'name', t.tgname, 'enabled', t.tgenabled in ('O', 'A'), 'definition', pg_get_triggerdef(t.oid), 'body', f.prosrc)
      order by t.tgname)
    from pg_trigger t join pg_proc f on f.oid = t.tgfoid
    where t.tgrelid = c.oid and not t.tgisinternal), '[]') as triggers
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and (n.nspname in (?) or exists (
  select from pg_constraint k join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
  where k.conrelid = c.oid and k.contype = 'f' and rn.nspname in (?)))`;

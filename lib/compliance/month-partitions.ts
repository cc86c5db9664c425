/** A table that can be partitioned by month, and the time that its rows are partitioned by. @internal */
export interface MonthlyTable {
  readonly table: string;
  /** A column of its primary key. */
  readonly column: string;
  /** Where it is, if not in the schema that the connection finds by itself. */
  readonly schema?: string | undefined;
}

/** How many months have their partition before they begin. @internal */
export const MONTHS_AHEAD = 3;

/**
 * Statements that turn a table into one with a partition for each month, UTC, and one for everything else. Keys, indexes, triggers,
 * grants, the comment and the rows are what they were, so that the ORM's schema finds nothing to do. A table that has partitions gets
 * those that are missing.
 *
 * @internal
 */
export function partitionByMonthSql(monthly: MonthlyTable, ahead = MONTHS_AHEAD): string[] {
  const partition = `do $partitions$
declare
  former regclass := to_regclass(${quote(qualify(monthly))});
  qualified text; own name; parent_schema name; statement text; before text[]; after text[];
begin
  if former is null then
    raise exception 'There is no table %: create it with a migration first.', ${quote(qualify(monthly))};
  end if;
  if (select c.relkind from pg_class as c where c.oid = former) = 'p' then
    return;
  end if;
  select format('%I.%I', n.nspname, c.relname), c.relname, n.nspname into qualified, own, parent_schema
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = former;
  execute format('lock table %s in access exclusive mode', qualified);
  -- The table becomes the partition for everything else, and hands over its names.
  select array_agg(s.sql) into before from (
    select format('alter index %I.%I rename to %I', parent_schema, x.relname, left(x.relname, 55) || '_default') as sql
      from pg_index as i join pg_class as x on x.oid = i.indexrelid where i.indrelid = former
    union all select format('drop trigger %I on %s', t.tgname, former) from pg_trigger as t where t.tgrelid = former and not t.tgisinternal
    union all select format('alter table %s rename to %I', qualified, own || '_default')
    union all select format('create table %s (like %I.%I including all excluding indexes excluding identity) partition by range (%I)',
      qualified, parent_schema, own || '_default', ${quote(monthly.column)})
  ) as s;
  -- Whatever hangs on a table, as statements over its name, which the new one has by then.
  select array_agg(s.sql order by s.step) into after from (
    select 1 as step, format('alter table %s add constraint %I %s', qualified, k.conname, pg_get_constraintdef(k.oid)) as sql
      from pg_constraint as k where k.conrelid = former and k.contype in ('p', 'u')
    union all select 2, pg_get_indexdef(i.indexrelid) from pg_index as i
      where i.indrelid = former and not exists (select from pg_constraint as k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
    union all select 3, format('alter sequence %s owned by %s.%I', d.objid::regclass, qualified, a.attname)
      from pg_depend as d join pg_class as q on q.oid = d.objid and q.relkind = 'S'
      join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.refobjid = former and d.deptype = 'a'
    union all select 4, format('alter table %s attach partition %I.%I default', qualified, parent_schema, own || '_default')
    union all select 5, pg_get_triggerdef(t.oid) from pg_trigger as t where t.tgrelid = former and not t.tgisinternal
    union all select 6, format('comment on table %s is %L', qualified, obj_description(former, 'pg_class'))
    union all select 7, format('grant %s on %s to %s', g.privilege_type, qualified, case g.grantee when 0 then 'public' else g.grantee::regrole::text end) ||
      case when g.is_grantable then ' with grant option' else '' end
      from pg_class as c cross join lateral aclexplode(c.relacl) as g where c.oid = former and g.grantee <> c.relowner
    union all select 8, format('alter table %s owner to %s', qualified, c.relowner::regrole) from pg_class as c where c.oid = former
  ) as s;
  foreach statement in array before || after loop
    execute statement;
  end loop;
end $partitions$`;
  return [partition, addMonthsSql(monthly, ahead)];
}

/**
 * A statement that adds the partitions that are missing, up to so many months from now: for rows that are in the partition for
 * everything else as well. Deletions go on meanwhile, unless there are such rows.
 *
 * @internal
 */
export function addMonthsSql(monthly: MonthlyTable, ahead: number): string {
  return `do $partitions$
declare
  parent regclass := to_regclass(${quote(qualify(monthly))});
  qualified text; own name; parent_schema name; rest text; part text; month timestamp; guard record; is_moving boolean := false;
  last timestamp := date_trunc('month', now() at time zone 'UTC') + interval '1 month' * ${Number(ahead)};
begin
  perform pg_advisory_xact_lock(hashtext('soft-delete: partitions'));
  select format('%I.%I', n.nspname, c.relname), c.relname, n.nspname into qualified, own, parent_schema
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = parent and c.relkind = 'p';
  if qualified is null then
    raise exception '% is not a partitioned table: run the statements of complianceTablesSql({ partition: ''month'' }) first.', ${quote(qualify(monthly))};
  end if;
  rest := format('%I.%I', parent_schema, own || '_default');
  if to_regclass(rest) is not null then
    execute format('select min(date_trunc(''month'', %1$I at time zone ''UTC'')) from %2$s', ${quote(monthly.column)}, rest) into month;
    if month is not null then
      -- Its rows are written again, and nothing is deleted, which a trigger would refuse.
      execute format('alter table %s detach partition %s', qualified, rest);
      execute format('alter table %s rename to %I', rest, own || '_moving');
      is_moving := true;
    end if;
  end if;
  month := least(month, date_trunc('month', now() at time zone 'UTC'));
  while month <= last loop
    part := format('%I.%I', parent_schema, own || to_char(month, '_YYYY_MM'));
    if to_regclass(part) is null then
      -- To attach a table locks out fewer than to create a partition.
      execute format('create table %s (like %s including all excluding identity)', part, qualified);
      execute format('alter table %s attach partition %s for values from (%L) to (%L)', qualified, part,
        to_char(month, 'YYYY-MM-DD 00:00:00+00'), to_char(month + interval '1 month', 'YYYY-MM-DD 00:00:00+00'));
    end if;
    month := month + interval '1 month';
  end loop;
  if is_moving or to_regclass(rest) is null then
    execute format('create table %s partition of %s default', rest, qualified);
  end if;
  if is_moving then
    execute format('insert into %s select * from %I.%I', qualified, parent_schema, own || '_moving');
    execute format('drop table %I.%I', parent_schema, own || '_moving');
  end if;
  ${GUARD_PARTITIONS}
end $partitions$`;
}

/** A statement that gives every partition of a table the triggers that refuse its TRUNCATE. @internal */
export function guardPartitionsSql(table: string): string {
  return `do $partitions$
declare
  parent regclass := to_regclass(${quote(table)}); guard record;
begin
  ${GUARD_PARTITIONS}
end $partitions$`;
}

/** A trigger on the table does not fire for TRUNCATE of a partition, and cannot be inherited. */
const GUARD_PARTITIONS = `for guard in select i.inhrelid::regclass as part, t.tgname as name, t.tgfoid::regproc as call
    from pg_inherits as i join pg_trigger as t on t.tgrelid = i.inhparent
    where i.inhparent = parent and not t.tgisinternal and t.tgtype & 32 = 32
    and not exists (select from pg_trigger as o where o.tgrelid = i.inhrelid and o.tgname = t.tgname)
  loop
    execute format('create trigger %I before truncate on %s for each statement execute function %s()', guard.name, guard.part, guard.call);
  end loop;`;

/** The quoted name of a table. @internal */
export function qualify({ table, schema }: MonthlyTable): string {
  const name = (part: string) => `"${part.replaceAll('"', '""')}"`;
  return schema === undefined ? name(table) : `${name(schema)}.${name(table)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

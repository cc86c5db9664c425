/**
 * The columns of archived rows `a`, as rows of `name`, `value` and `document`: the archive keeps every value as text, of which documents,
 * arrays and bytes are taken apart by the type that the column had. The names of arrays' types begin with an underscore.
 *
 * @internal
 */
export const ARCHIVED_CELLS_SQL = `lateral (
  select e.name, e.value, case
    when c.type in ('json', 'jsonb') and strpos(e.value, E'\\\\u0000') = 0 then cast(e.value as jsonb)
    when left(c.type, 1) = '_' and left(e.value, 1) in ('{', '[') then to_jsonb(cast(e.value as text[]))
    when c.type = 'bytea' then to_jsonb(encode(cast(e.value as bytea), 'escape')) end as document
  from jsonb_each_text(a."data") with ordinality as e (name, value, n)
  cross join lateral (select (string_to_array(a."types", chr(10)))[e.n] as type) as c
  where e.value is not null offset 0)`;

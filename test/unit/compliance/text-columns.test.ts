import { isTextType } from '../../../lib/compliance/erasure/declaration/text-columns.js';

describe(isTextType.name, () => {
  it.each([
    ...['text', 'text[]', 'varchar(255)', 'character varying', 'char(3)', 'citext', 'name', 'json', 'jsonb', 'jsonb[]'],
    ...['xml', 'hstore', 'ltree', 'tsvector', 'bytea', 'inet', 'cidr', 'macaddr8', 'short_text', 'public.address'],
    ...['"Email"', 'intro_text', 'dated_note', 'line_text', 'uuid_or_name'],
  ])('counts %s', (type) => expect(isTextType(type)).toBe(true));

  it.each([
    ...['int', 'int4', 'integer', 'smallint', 'bigint', 'bigserial', 'int[]', 'numeric(10,2)', 'decimal', 'real'],
    ...['float8', 'double precision', 'money', 'boolean', 'bool', 'date', 'time(0)', 'timetz', 'timestamptz(6)'],
    ...['timestamp with time zone', 'timestamp(3) without time zone', 'interval', 'uuid', 'uuid[]', 'bit(8)', 'point'],
    ...['int4range', 'tstzmultirange', 'datemultirange', 'geometry(Point,4326)', 'vector(3)', '', undefined],
  ])('does not count %s', (type) => expect(isTextType(type)).toBe(false));
});

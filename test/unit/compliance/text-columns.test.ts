import { isTextType } from '../../../lib/compliance/erasure/declaration/text-columns.js';

const TEXT = `
  text, text[], varchar(255), character varying, char(3), citext, name, json, jsonb, jsonb[], xml, hstore, ltree, tsvector, bytea, inet, cidr,
  macaddr8, short_text, public.address, "Email", intro_text, dated_note, line_text, uuid_or_name`;
const OTHERS = `
  int, int4, integer, smallint, bigint, bigserial, int[], decimal, numeric, real, float8, double precision, money, boolean, bool, date, time(0),
  timetz, timestamptz(6), timestamp with time zone, timestamp(3) without time zone, interval, uuid, uuid[], bit(8), point, int4range,
  tstzmultirange, datemultirange, geometry(Point), vector(3)`;

describe(isTextType.name, () => {
  it.each(TEXT.split(', ').map((type) => type.trim()))('counts %s', (type) => expect(isTextType(type)).toBe(true));

  it.each([...OTHERS.split(', ').map((type) => type.trim()), 'numeric(10,2)', '', undefined])(
    'does not count %s',
    (type) => expect(isTextType(type)).toBe(false),
  );
});

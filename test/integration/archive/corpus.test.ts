import type { Options } from '@mikro-orm/postgresql';
import { defineEntity, p } from '@mikro-orm/core';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** A value of every type that MikroORM maps, and of the corners of these: type and literal. */
const VALUES: readonly (readonly [type: string, value: string])[] = [
  ['smallint', '-32768'],
  ['integer', '2147483647'],
  ['bigint', '-9223372036854775808'],
  ['numeric', '12345678901234567890.123456789012345678900'],
  ['numeric(10,2)', '1.50'],
  ['numeric', `'NaN'`],
  ['real', '0.1'],
  ['double precision', '0.1::float8 + 0.2::float8'],
  ['double precision', `'-Infinity'`],
  ['double precision', '1e-307'],
  ['money', `'$1,234.56'`],
  ['boolean', 'false'],
  ['text', `E'line\\nbreak\\ttab "quoted" \\\\ {a,b} ümläut 🙂 '`],
  ['text', `''`],
  ['varchar(10)', `' pad '`],
  ['char(8)', `'ab'`],
  ['"char"', `'x'`],
  ['name', `'a name'`],
  ['uuid', `'6F9619FF-8B86-D011-B42D-00CF4FC964FF'`],
  ['bytea', `'\\x00ff5c27'`],
  ['date', `'1899-12-31'`],
  ['date', `'0044-03-15 BC'`],
  ['date', `'infinity'`],
  ['time', `'23:59:59.999999'`],
  ['timetz', `'04:05:06.789-08:30'`],
  ['timestamp', `'2024-02-29 12:00:00.000001'`],
  ['timestamptz', `'1883-11-18 12:03:58.123456+00'`],
  ['timestamptz(0)', `'2024-07-01 00:00:00+02'`],
  ['timestamptz', `'-infinity'`],
  ['interval', `'1 year -2 mons 3 days -04:05:06.789'`],
  ['interval', `'-1 day +02:03:04'`],
  ['interval', `'-5 years -3 days -00:00:01'`],
  ['json', `'{"b": 1,  "a": 2, "a": 3}'`],
  ['json', `'null'`],
  ['jsonb', `'null'`],
  ['jsonb', `'{"n": 1.10, "list": [null, "\\u00e9", {}]}'`],
  ['jsonb', `'"text"'`],
  ['integer[]', `'{1,NULL,3}'`],
  ['integer[]', `'[0:2]={1,2,3}'`],
  ['integer[][]', `'{{1,2},{3,4}}'`],
  ['text[]', `array['a,b', 'c"d', '', 'NULL', null, E'e\\\\f']`],
  ['timestamptz[]', `array['2024-01-02 03:04:05+00'::timestamptz]`],
  ['double precision[]', 'array[0.1::float8 + 0.2::float8]'],
  ['jsonb[]', `array['null'::jsonb, null]`],
  ['bytea[]', `array['\\xff'::bytea]`],
  ['inet', `'192.168.1.5/24'`],
  ['cidr', `'2001:db8::/32'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['macaddr8', `'08:00:2b:01:02:03:04:05'`],
  ['bit(5)', `B'10101'`],
  ['varbit', `B'1'`],
  ['point', `'(0.1,1e-20)'`],
  ['box', `'((2,2),(0.3,0))'`],
  ['polygon', `'((0,0),(1,1),(2,0))'`],
  ['circle', `'<(1,2),0.7>'`],
  ['tsvector', `to_tsvector('english', 'a fat cat''s tail')`],
  ['tsquery', `to_tsquery('fat & (rat | cat)')`],
  ['int4range', `'[1,5)'`],
  ['numrange', `'empty'`],
  ['daterange', `'[2024-01-02,2024-03-04)'`],
  ['tstzrange', `'[2024-01-02 03:04:05+00,2024-05-06 00:00:00+00)'`],
  ['int4multirange', `'{[1,3),[5,7)}'`],
  ['xml', `'<a b="c">text &amp; more</a>'`],
  ['mood', `'very sad'`],
  ['address', `row('Main "St", 1', null)::address`],
  ['positive', '7'],
  ['varchar(10)[]', `array['a,b', null]`],
  ['numeric(10,2)[]', `array[1.5]`],
  ['timestamptz(3)[]', `array['2024-01-02 03:04:05.678+00'::timestamptz]`],
  ['timestamp(0)', `'2024-02-29 12:00:00'`],
  ['time(3)', `'23:59:59.999'`],
  ['interval(3)', `'1 day 00:00:01.234'`],
  ['interval day to second', `'3 days 04:05:06'`],
  ['interval[]', `array['1 day'::interval]`],
  ['char(3)[]', `array['ab']`],
  ['bit(2)[]', `array[B'10']`],
  ['oid', '4294967295'],
  ['regclass', `'pg_class'`],
  ['pg_lsn', `'16/B374D848'`],
  ['jsonpath', `'$.a[*] ? (@ > 1)'`],
  ['line', `'{1,2,3}'`],
  ['lseg', `'[(0,0),(1,1)]'`],
  ['path', `'[(0,0),(1,1)]'`],
  ['tsrange', `'[2024-01-02 03:04:05,)'`],
  ['tstzmultirange', `'{[2024-01-02 03:04:05+00,2024-05-06 00:00:00+00)}'`],
  ['mood[]', `array['very sad', 'ok']::mood[]`],
  ['bpchar', `'blank  '`],
  ['"char"', `''`],
  ['text[]', `array['null', null, 'NULL']`],
  ['text[]', `'[-2:-1][5:6]={{a,b},{c,NULL}}'`],
  ['json', `'{"a": "\\u0000", "n": 1e400}'`],
  ['jsonb', `'{"n": 1e400, "m": 0.10000000000000000000000000000001}'`],
  ['numeric', `'-Infinity'`],
  ['numeric(5,-2)', '12345'],
  ['double precision', `'-0'`],
  ['real', '1e-45'],
  ['timestamptz', `'294276-12-31 23:59:59.999999+00'`],
  ['timestamptz', `'4713-11-24 00:00:00 BC'`],
  ['date', `'5874897-12-31'`],
  ['timetz', `'24:00:00-15:59:59'`],
  ['interval', `'178956970 years 7 mons -2147483648 days 2562047788:00:00'`],
  ['interval year to month', `'1-2'`],
  ['money', `'-92233720368547758.08'`],
  ['xml', `'plain text'`],
  ['inet', `'::ffff:1.2.3.4/96'`],
  ['bit varying(5)', `B''`],
  ['path', `'((0,0),(1.1,2))'`],
  ['box[]', `array['(1,1),(0,0)'::box, '(3,3),(2,2)'::box]`],
  ['nummultirange', `'{(,1.5),[2,)}'`],
  ['pg_snapshot', `'10:20:10,14,15'`],
  ['information_schema.yes_or_no', `'YES'`],
  ['citext', `'AbC'`],
  ['hstore', `'a=>NULL, "b c"=>"x\\"y"'`],
  ['ltree', `'a.b.c'`],
  ['other."Mood X"[]', `array['a,b', '', null, 'it''s']::other."Mood X"[]`],
  ['other.pair', `row(1.50, '2024-01-02 03:04:05.123456+05', array['a,b', null], 'it''s')::other.pair`],
  ['pairs', `array[row(1.50, '2024-01-02 03:04:05.123456+05', null, null)::other.pair]::pairs`],
  ['period', `'[2024-01-02 03:04:05+00,infinity]'`],
  ['period_multirange[]', `array['{}'::period_multirange]`],
];

const SETTINGS = [
  `set datestyle = 'SQL, DMY'`,
  `set intervalstyle = 'sql_standard'`,
  `set timezone = 'America/New_York'`,
  'set extra_float_digits = -15',
  `set bytea_output = 'escape'`,
  'set array_nulls = off',
  'set quote_all_identifiers = on',
  `set xmloption = 'document'`,
];

/** Settings under which one statement can delete by a condition that means what it says. */
const ELSEWHERE = SETTINGS.filter((setting) => /timezone|digits|bytea|quote/.test(setting));

const SETUP = `
  create type mood as enum ('very sad', 'ok');
  create type address as (street text, number int);
  create domain positive as int check (value > 0);
  create extension citext; create extension hstore; create extension ltree;
  create schema other;
  create type other."Mood X" as enum ('a,b', 'it''s', '');
  create type other.pair as (amount numeric, at timestamptz, tags text[], mood other."Mood X");
  create domain pairs as other.pair[];
  create type period as range (subtype = timestamptz);`;

const Sample = softDeletable(
  defineEntity({
    name: 'Sample',
    properties: {
      id: p.integer().primary(),
      ...Object.fromEntries(VALUES.map(([type], i) => [`v${i}`, p.type('string').columnType(type).nullable()])),
    },
  }),
  { strategy: 'archive' },
);

/** 120 columns, among them the names that SQL of this package uses itself. */
const NAMES = [
  ...'a c g k key row rows value values table select from where order group user data types unit entity part owners links n o p s u'.split(
    ' ',
  ),
  'Upper',
  'with space',
  "sin'gle",
  'ümläut',
  'do"uble',
  'back\\slash',
  'percent%s',
  'dollar$1',
]
  .concat(Array.from({ length: 83 }, (_, i) => `column_${i}`))
  .slice(0, 119);

const Wide = softDeletable(
  defineEntity({
    name: 'Wide',
    properties: {
      id: p.integer().primary(),
      ...Object.fromEntries(NAMES.map((name, i) => [`p${i}`, p.text().fieldName(name).nullable()])),
    },
  }),
  { strategy: 'archive' },
);

describe('Archived values', () => {
  let test: TestOrm;

  beforeAll(async () => {
    const options: Partial<Options> = {};
    test = await createTestOrm([Sample, Wide, ...complianceEntities()] as never, options, {}, SETUP);
  });
  afterAll(() => test.close());

  async function texts(table: string): Promise<Record<string, unknown>> {
    const client = await test.database.connect();
    try {
      const columns = await client.query(
        `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum`,
        [table],
      );
      // A format keeps the blanks at the end that a cast leaves out.
      const list = columns.rows
        .map(({ name }) => client.escapeIdentifier(name))
        .map((name) => `case when ${name} is not null then format('%s', ${name}) end`)
        .join(', ');
      const { rows } = await client.query(`select array[${list}] as texts from ${table}`);
      return rows[0] as Record<string, unknown>;
    } finally {
      await client.end();
    }
  }

  it(`come back equal as text, ${VALUES.length} of them, under the settings of any session`, async () => {
    await test.database.query(
      `insert into sample values (1, ${VALUES.map(([type, value]) => `cast(${value} as ${type})`).join(', ')})`,
    );
    const before = await texts('sample');
    for (const [deleting, restoring] of [
      [SETTINGS, []],
      [[], SETTINGS],
      [SETTINGS, SETTINGS],
      [ELSEWHERE, []],
      [ELSEWHERE, SETTINGS],
    ]) {
      for (const [settings, action] of [
        [deleting!, 'softDelete'],
        [restoring!, 'restore'],
      ] as const) {
        await test.orm.em.fork().transactional(async (em) => {
          for (const setting of settings) {
            await em.execute(setting.replace('set ', 'set local '));
          }
          const repository = em.getRepository(Sample as never) as unknown as Record<
            string,
            (key: number) => Promise<unknown>
          >;
          await repository[action]!(1);
        });
      }
      expect(await texts('sample')).toEqual(before);
    }
  });

  it('come back from tables with 120 columns, whatever their names are', async () => {
    await test.database.query(
      `insert into wide values (1, ${NAMES.map((_name, i) => (i % 7 === 0 ? 'null' : `'value ${i}'`)).join(', ')})`,
    );
    const before = await texts('wide');
    const repository = test.orm.em.fork().getRepository(Wide as never) as any;
    await repository.softDelete(1);
    expect(await test.database.query('select 1 from wide')).toEqual([]);
    expect(await repository.onlyDeleted().count({ p3: 'value 3' })).toBe(1);
    await repository.restore(1);
    expect(await texts('wide')).toEqual(before);
  });

  it('are refused, with their column, where PostgreSQL reads their text as something else, or not at all', async () => {
    await test.database.query(`
      create type broken;
      create function broken_in(cstring) returns broken language internal immutable strict as 'textin';
      create function broken_out(broken) returns cstring language internal immutable strict as 'byteaout';
      create type broken (input = broken_in, output = broken_out, internallength = variable);
      create domain picky as text check (value !~ '^p');
      alter table sample add column kept text, add column lost broken;
      truncate sample; insert into sample (id, lost) values (1, 'ab'), (2, null)`);
    const repository = () => test.orm.em.fork().getRepository(Sample as never) as any;
    await expect(repository().softDelete(1)).rejects.toThrow(
      'cannot read back the text of its column lost (public.broken)',
    );
    expect(await test.database.query('select id from sample order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect((await repository().softDelete(2)).total).toBe(1);
    await test.database.query(`
      update sample set lost = null, kept = 'pq'; alter table sample drop column lost;
      alter table sample add column strict_one picky; alter table sample add foreign key (id) references sample`);
    await test.database.query(`alter domain picky drop constraint picky_check; update sample set strict_one = 'pq';
      alter domain picky add check (value !~ '^p') not valid`);
    await expect(repository().softDelete(1)).rejects.toThrow('column strict_one (public.picky)');
    expect(await test.database.query('select id from sample')).toEqual([{ id: 1 }]);
  });
});

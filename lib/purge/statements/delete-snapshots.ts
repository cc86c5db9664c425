import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../../archive/removal/allowed-removal.js';
import { MOST_KEYS } from '../../events/most-keys.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';
import { type GoneKeys, needsNoEscapes, recordSql } from '../fragments/gone-rows-sql.js';
import type { RecordOfRows } from '../fragments/row-sql.js';

/** Archived rows of one entity that are due. @internal */
export interface DueSnapshots {
  /** The quoted name of the archive. */
  readonly archive: string;
  readonly entity: string;
  /** The schema of the rows' table; `undefined` for those of all. */
  readonly schema: string | undefined;
  readonly cutoff: string;
  /** The time of the last unit that was looked at. */
  readonly after: string | undefined;
  /** The columns of the entity's primary key: their types. */
  readonly keyTypes: readonly string[];
  /** How rows that go are recorded; nothing if they are not. */
  readonly record?: RecordOfRows;
  /** Whether somebody wants to know which rows went, not only how many. */
  readonly isObserved: boolean;
}

/** How far a batch has looked. @internal */
export interface LookedSnapshots {
  /** The time of the last unit that was looked at; `null` if there is none left. */
  readonly last: string | null;
  /** How many of the entity's own rows are in units of which somebody has locked a row. */
  readonly locked: number;
}

/** What a statement has removed. @internal */
export interface GoneSnapshots {
  /** How many rows, those included that were removed along with the entity's. */
  readonly removed: number;
  /** How many of them are the entity's own. */
  readonly gone: number;
  /** The keys of these; nothing where nobody asks, or there are many. */
  readonly keys: GoneKeys;
}

/** What is going to be removed. @internal */
export interface LockedSnapshots extends LookedSnapshots {
  /** The entity's own rows, each with its key and the time of its unit. */
  readonly rows: readonly (readonly [key: string, unit: string])[];
  /** The units, whatever rows they have. */
  readonly units: readonly string[];
}

function dueSql({ entity, schema, cutoff, after }: DueSnapshots, quote: QuoteValue): string {
  const inSchema = schema === undefined ? '' : ` and a."schema" = ${quote(schema)}`;
  const isNext = after === undefined ? '' : ` and a."unit" > cast(${quote(after)} as timestamptz)`;
  return `a."entity" = ${quote(entity)} and a."unit" < cast(${quote(cutoff)} as timestamptz)${isNext}${inSchema}`;
}

const unit = (alias: string) => unitTextSql(`${alias}.last`, 'timestamptz');

/**
 * The next units, each as a whole, with the rows that were removed along with the entity's. A unit of which somebody has locked a row to
 * restore it is passed over, since a restoration must find all of it.
 */
function nextUnitsSql(due: DueSnapshots, limit: number, quote: QuoteValue): string {
  const isDue = dueSql(due, quote);
  return `next as materialized (
  select max(u."unit") as last from (select a."unit" from ${due.archive} as a where ${isDue} order by a."unit" limit ${limit}) as u
), locked as materialized (
  select a."part", a."key", a."unit" from ${due.archive} as a
  where ${isDue} and a."unit" <= (select last from next) for update of a skip locked
), looked as materialized (
  select a."unit", count(*) filter (where a."part" = ${quote(due.entity)}) as own,
    count(*) = (select count(*) from locked as l where l."unit" = a."unit") as is_whole
  from ${due.archive} as a where ${isDue} and a."unit" <= (select last from next) group by a."unit"
), whole as materialized (
  select w."unit" from looked as w where w.is_whole
)`;
}

/** Removes the next units and writes their record. @internal */
export function deleteSnapshots(due: DueSnapshots, limit: number, quote: QuoteValue): string {
  return `with ${ALLOW_REMOVAL}, ${nextUnitsSql(due, limit, quote)}, gone as (
  delete from ${due.archive} as a using locked as l
  where ${IS_ALLOWED} and a."part" = l."part" and a."key" = l."key" and a."unit" = l."unit" and l."unit" in (select w."unit" from whole as w)
  returning a."part", a."key", a."unit"
), ${toldSnapshotsSql(due, quote)}
select ${lookedSql()}, ${goneSql(due)}
from next as n, told as t`;
}

/** Locks what `deleteSnapshots()` would remove. @internal */
export function lockSnapshotUnits(due: DueSnapshots, limit: number, quote: QuoteValue): string {
  return `with ${nextUnitsSql(due, limit, quote)}, due as (
  select l."part", l."key", l."unit" as last from locked as l where l."unit" in (select w."unit" from whole as w)
)
select ${lookedSql()},
  (select coalesce(json_agg(json_build_array(d."key", ${unit('d')})), '[]') from due as d where d."part" = ${quote(due.entity)}) as rows,
  (select coalesce(json_agg(distinct ${unit('d')}), '[]') from due as d) as units
from next as n`;
}

/** Removes units that are locked as a whole and writes their record. @internal */
export function deleteUnits(due: DueSnapshots, units: readonly string[], quote: QuoteValue): string {
  const times = units.map((of) => `cast(${quote(of)} as timestamptz)`);
  return `with ${ALLOW_REMOVAL}, gone as (
  delete from ${due.archive} as a where ${IS_ALLOWED} and ${dueSql(due, quote)} and a."unit" in (${times.join(', ')})
  returning a."part", a."key", a."unit"
), ${toldSnapshotsSql(due, quote)}
select ${goneSql(due)} from told as t`;
}

function lookedSql(): string {
  return `${unit('n')} as last, (select coalesce(sum(w.own), 0)::int from looked as w where not w.is_whole) as locked`;
}

function goneSql({ isObserved }: DueSnapshots): string {
  const keys = isObserved ? `case when t.gone <= ${MOST_KEYS} then t.keys end` : 'null::json';
  return `t.removed, t.gone, ${keys} as keys, ${endRemovalSql(['gone'])} as ended`;
}

/**
 * Common table expressions after the one that has removed rows, `gone`: `told`, one row with how many went and, where somebody asks, the keys of
 * the entity's own; and their record.
 */
function toldSnapshotsSql({ entity, cutoff, keyTypes, record, isObserved }: DueSnapshots, quote: QuoteValue): string {
  const own = `filter (where g."part" = ${quote(entity)})`;
  const columns = [
    'count(*)::int as removed',
    `(count(*) ${own})::int as gone`,
    ...(record || isObserved ? [`${archivedKeysSql(keyTypes, own)} as keys`] : []),
    ...(record ? [`array_agg(g."unit") ${own} as times`] : []),
  ];
  const told = `told as (select ${columns.join(', ')} from gone as g)`;
  return record ? `${told}, ${recordSql({ record, entity, cutoff, quote })}` : told;
}

/** The keys of rows `g` of the archive as JSON, each a list of the texts of its columns. */
function archivedKeysSql(types: readonly string[], own: string): string {
  if (types.length > 1) {
    return `cast('[' || string_agg(g."key", ',') ${own} || ']' as json)`;
  }
  const [text, quote] = needsNoEscapes(types[0]!) ? ['g."key"', '"'] : ['to_json(g."key")::text', ''];
  return `cast('[[${quote}' || string_agg(${text}, '${quote}],[${quote}') ${own} || '${quote}]]' as json)`;
}

/** @internal */
export interface NextUnit {
  readonly last: string;
  /** The keys of the entity's own rows. */
  readonly keys: readonly string[];
}

/** The next unit alone, locked or not. @internal */
export function listNextUnit(due: DueSnapshots, quote: QuoteValue): string {
  return `select ${unit('n')} as last,
  (select coalesce(json_agg(a."key"), '[]') from ${due.archive} as a
    where a."entity" = ${quote(due.entity)} and a."unit" = n.last and a."part" = ${quote(due.entity)}) as keys
from (select a."unit" as last from ${due.archive} as a where ${dueSql(due, quote)} order by a."unit" limit 1) as n`;
}

/** How many of the entity's own rows are due. @internal */
export function countSnapshots(due: DueSnapshots, quote: QuoteValue): string {
  return `select count(*)::int as due from ${due.archive} as a where ${dueSql(due, quote)} and a."part" = ${quote(due.entity)}`;
}

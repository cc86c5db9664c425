import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../../archive/removal/allowed-removal.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

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
}

/** What a batch has removed. @internal */
export interface GoneSnapshots {
  /** The time of the last unit that was looked at; `null` if there is none left. */
  readonly last: string | null;
  /** How many rows, those included that were removed along with the entity's. */
  readonly removed: number;
  /** How many of the entity's own are in units of which somebody has locked a row. */
  readonly locked: number;
  /** The entity's own, each with its key and the time of its unit. */
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

/** Removes the next units. @internal */
export function deleteSnapshots(due: DueSnapshots, limit: number, quote: QuoteValue): string {
  return `with ${ALLOW_REMOVAL}, ${nextUnitsSql(due, limit, quote)}, gone as (
  delete from ${due.archive} as a using locked as l
  where ${IS_ALLOWED} and a."part" = l."part" and a."key" = l."key" and a."unit" = l."unit" and l."unit" in (select w."unit" from whole as w)
  returning a."part", a."key", a."unit" as last
)
${goneSql('gone', due, quote)}, ${endRemovalSql(['gone'])} as ended
from next as n`;
}

/** Locks what `deleteSnapshots()` would remove, and tells the same. @internal */
export function lockSnapshotUnits(due: DueSnapshots, limit: number, quote: QuoteValue): string {
  return `with ${nextUnitsSql(due, limit, quote)}, due as (
  select l."part", l."key", l."unit" as last from locked as l where l."unit" in (select w."unit" from whole as w)
)
${goneSql('due', due, quote)}
from next as n`;
}

/** Removes units that are locked as a whole. @internal */
export function deleteUnits(due: DueSnapshots, units: readonly string[], quote: QuoteValue): string {
  const times = units.map((unit) => `cast(${quote(unit)} as timestamptz)`);
  return `with ${ALLOW_REMOVAL}, gone as (
  delete from ${due.archive} as a where ${IS_ALLOWED} and ${dueSql(due, quote)} and a."unit" in (${times.join(', ')}) returning 1
)
select ${endRemovalSql(['gone'])}`;
}

function goneSql(name: string, { entity }: DueSnapshots, quote: QuoteValue): string {
  return `select ${unit('n')} as last, (select count(*)::int from ${name}) as removed,
  (select coalesce(sum(w.own), 0)::int from looked as w where not w.is_whole) as locked,
  (select coalesce(json_agg(json_build_array(g."key", ${unit('g')})), '[]') from ${name} as g where g."part" = ${quote(entity)}) as rows,
  (select coalesce(json_agg(distinct ${unit('g')}), '[]') from ${name} as g) as units`;
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

import { MOST_KEYS } from '../../events/most-keys.js';
import { unitTimeSql } from '../../sql/deleted-at-sql.js';
import { textSql } from '../../sql/row-set.js';
import type { PurgeColumn } from '../plan/key-graph.js';
import type { DueRows, RecordOfRows } from './row-sql.js';

/** The keys of rows that went, each the texts of its columns; nothing where nobody asks, or there are many. @internal */
export type GoneKeys = readonly (readonly string[])[] | null;

/** What a statement that removes rows `p` returns of them. @internal */
export function goneColumnsSql({ record, isObserved, plan: { entity } }: DueRows): string {
  const key = record || isObserved ? entity.table.key.map(({ name }, i) => `p.${name} as k${i}`) : [];
  return [...key, ...(record ? [`p.${entity.deletedAt.name} as unit`] : ['1'])].join(', ');
}

/**
 * Common table expressions after the one that has removed rows, `gone`: `told`, one row with how many went and, where somebody asks, their
 * keys; and their record, written by the same statement. That costs a fraction of what it takes to send the rows to this process and back:
 * their keys are put together as text and their times as they are, without a value of JSON, or a text, for each.
 *
 * @param n - tells several removals of one statement apart
 * @internal
 */
export function toldSql(rows: DueRows, n: number | '' = ''): string {
  const { record, isObserved, quote, cutoff, plan } = rows;
  const { deletedAt, table } = plan.entity;
  const columns = [
    'count(*)::int as gone',
    ...(record || isObserved ? [`${keysSql(table.key)} as keys`] : []),
    ...(record ? [`array_agg(${unitTimeSql('g.unit', deletedAt.type)}) as times`] : []),
  ];
  const told = `told${n} as (select ${columns.join(', ')} from gone${n} as g)`;
  const entity = plan.entity.meta.className;
  return record ? `${told}, ${recordSql({ record, entity, cutoff, quote }, n)}` : told;
}

/**
 * The common table expression that writes the record of what `told` tells.
 *
 * @internal
 */
export function recordSql(
  {
    record,
    entity,
    cutoff,
    quote,
  }: Pick<DueRows, 'cutoff' | 'quote'> & { readonly record: RecordOfRows; readonly entity: string },
  n: number | '' = '',
): string {
  const text = (value: string | undefined) => (value === undefined ? 'null' : quote(value));
  return `recorded${n} as (
  insert into ${record.table} ("action", "entity", "unit", "count", "keys", "unit_times", "actor", "reason")
  select 'purged', ${quote(entity)}, cast(${quote(cutoff)} as timestamptz), t.gone, t.keys, t.times, ${text(record.actor)}, ${text(record.reason)}
  from told${n} as t where t.gone > 0
)`;
}

/** The keys of `told`, where somebody asks for those of a few rows. @internal */
export function toldKeysSql({ isObserved }: DueRows, told = 'told'): string {
  return isObserved ? `(select case when t.gone <= ${MOST_KEYS} then t.keys end from ${told} as t)` : 'null::json';
}

/** Whether the texts of a type stand in JSON as they are, as those of numbers and UUIDs do. @internal */
export function needsNoEscapes(type: string): boolean {
  return /^(smallint|int(eger)?|bigint|uuid)$/.test(type);
}

/** The keys of the rows `g` as JSON, each a list of the texts of its columns. */
function keysSql(key: readonly PurgeColumn[]): string {
  const isPlain = key.every(({ type }) => needsNoEscapes(type));
  const texts = key.map(({ type }, i) => textSql(`g.k${i}`, type));
  // The quotes of the first and the last text are in what stands between two keys, once for all.
  const [one, quote] = isPlain
    ? [texts.join(` || '","' || `), '"']
    : [texts.map((text) => `to_json(${text})::text`).join(` || ',' || `), ''];
  return `cast('[[${quote}' || string_agg(${one}, '${quote}],[${quote}') || '${quote}]]' as json)`;
}

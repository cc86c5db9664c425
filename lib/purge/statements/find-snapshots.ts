import type { QuoteValue } from '../../sql/quote-value.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { type RowKey, textSql } from '../../sql/row-set.js';

/** The rows of one entity that are looked for in the archive, and in their table. @internal */
export interface AskedSnapshots {
  /** The quoted names of the archive and of the table. */
  readonly archive: string;
  readonly table: string;
  readonly entity: string;
  /** The schema of the rows' table; `undefined` for those of all. */
  readonly schema: string | undefined;
  /** The columns of the primary key: their quoted names and their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly keys: readonly RowKey[];
}

/** @internal */
export interface AskedSnapshotRow {
  /** The position of the key in the list, from 1 on. */
  readonly n: string;
  /** The key as the row has it. */
  readonly key: string;
  readonly isActive: boolean;
  /** When it was archived, as milliseconds since the epoch and as text; the latest time, if it was more than once. */
  readonly deletedAt: string | null;
  readonly unit: string | null;
  /** The entity whose retention it has. */
  readonly belongsTo: string | null;
}

/** The rows of a list of keys, wherever they are. @internal */
export function findSnapshots(asked: AskedSnapshots, quote: QuoteValue): string {
  const { archive, table, entity, schema, columns, keys } = asked;
  const list = keys.map((key) => JSON.stringify(key)).join(',');
  const texts = columns.map(({ type }, i) => textSql(`k.k${i}`, type));
  const archived = texts.length === 1 ? `(${texts[0]})::text` : `array_to_json(array[${texts.join(', ')}])::text`;
  const same = columns.map(({ name }, i) => `p.${name} = k.k${i}`);
  const typed = columns.map(({ type }, i) => `cast(e.key ->> ${i} as ${type}) as k${i}`);
  const inSchema = schema === undefined ? '' : ` and a."schema" = ${quote(schema)}`;
  return `select k.n::text as n, jsonb_build_array(${texts.join(', ')})::text as key,
  exists (select from ${table} as p where ${same.join(' and ')}) as "isActive",
  (extract(epoch from s."unit") * 1000)::text as "deletedAt", ${unitTextSql('s."unit"', 'timestamptz')} as unit, s."entity" as "belongsTo"
from (select e.n, ${typed.join(', ')} from jsonb_array_elements(${quote(`[${list}]`)}::jsonb) with ordinality as e(key, n)) as k
left join lateral (
  select a."unit", a."entity" from ${archive} as a
  where a."part" = ${quote(entity)} and a."key" = ${archived}${inSchema} order by a."unit" desc limit 1
) as s on true`;
}

/** Whether somebody has locked a row of a unit: tries to lock all of them, and waits for nobody. @internal */
export function lockUnit(archive: string, entity: string, unit: string, quote: QuoteValue): string {
  const ofUnit = `a."entity" = ${quote(entity)} and a."unit" = cast(${quote(unit)} as timestamptz)`;
  return `with locked as materialized (select from ${archive} as a where ${ofUnit} for update of a skip locked)
select (select count(*) from locked) < (select count(*) from ${archive} as a where ${ofUnit}) as "isLocked"`;
}

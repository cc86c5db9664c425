import type { DeletionContext } from '../../events/deletion-context.js';
import { filterSql } from '../../sql/filter-sql.js';
import { textSql } from '../../sql/row-set.js';
import type { DeletedRows, PurgeColumn, PurgeEntity, PurgeTable } from '../plan/key-graph.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import { existsSql } from './path-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** What the statements of one entity's purge have in common. @internal */
export interface DueRows {
  readonly plan: EntityPlan;
  /** UTC, to the microsecond. */
  readonly cutoff: string;
  readonly quote: QuoteValue;
  /** How rows that go are recorded; nothing if they are not. */
  readonly record?: RecordOfRows;
  /** Whether somebody wants to know which rows went, not only how many. */
  readonly isObserved: boolean;
}

/** The table of records, and in whose name rows are removed. @internal */
export interface RecordOfRows extends DeletionContext {
  readonly table: string;
}

/** Whether the row `alias` is due. @internal */
export function dueSql(
  { deletedAt }: Pick<DeletedRows, 'deletedAt'>,
  cutoff: string,
  quote: QuoteValue,
  alias = 'p',
): string {
  return `${alias}.${deletedAt.name} < ${timeSql(deletedAt, cutoff, quote)}`;
}

/** The same for a row that is found otherwise: the condition is checked, and never how rows are found. @internal */
export function stillDueSql(entity: PurgeEntity, cutoff: string, quote: QuoteValue, alias = 'p'): string {
  return filterSql(dueSql(entity, cutoff, quote, alias));
}

/** A time as the column of an entity holds it. A column without time zone holds UTC, as the ORM writes it. @internal */
export function timeSql(column: PurgeColumn, time: string, quote: QuoteValue): string {
  return `${quote(time)}::${column.type}`;
}

/** Conditions that hold if nothing that blocks the row `p` is left. @internal */
export function unblockedSql({ plan, quote }: DueRows, blockers = plan.blockers): string[] {
  return blockers.map((path) => `not ${existsSql(path, plan.entity, quote)}`);
}

/** The primary key of the row `alias` as JSON text. @internal */
export function keySql({ key }: PurgeTable, alias = 'p'): string {
  return `jsonb_build_array(${key.map(({ name, type }) => textSql(`${alias}.${name}`, type)).join(', ')})::text`;
}

/** A relation `k` with one row per key of a list: its number `n`, from 1 on, and the columns `k0`, `k1` and so on. @internal */
export function keyListSql({ key }: PurgeTable, keys: readonly string[], quote: QuoteValue): string {
  const columns = key.map(({ type }, i) => `(e.key ->> ${i})::${type} as k${i}`).join(', ');
  return `(select e.n, ${columns} from jsonb_array_elements(${quote(`[${keys.join(',')}]`)}::jsonb) with ordinality as e(key, n)) as k`;
}

/** @internal */
export function sameKeySql({ key }: PurgeTable, alias: string, list = 'k'): string {
  return key.map(({ name }, i) => `${alias}.${name} = ${list}.k${i}`).join(' and ');
}

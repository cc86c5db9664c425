import type { KeyCompanion, PurgeTable } from '../plan/key-graph.js';
import { conditionSql, equal, names } from '../fragments/path-sql.js';
import { keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** The rows that the given rows point at through relations which take them along. @internal */
export function listCompanions(
  owner: PurgeTable,
  keys: readonly string[],
  { table, tableColumns, holder, holderColumns, pivot, holderConditions, conditions }: KeyCompanion,
  quote: QuoteValue,
): string {
  const join = pivot
    ? equal('h', pivot.columns, 'p', pivot.referenced)
    : equal('h', names(holder.key), 'p', names(owner.key));
  const restricted = [
    ...conditions.map((condition) => conditionSql('x', condition, quote)),
    ...holderConditions.map((condition) => conditionSql('h', condition, quote)),
  ];
  return `select distinct ${keySql(table, 'x')} as key
from ${keyListSql(owner, keys, quote)} join ${owner.name} as p on ${sameKeySql(owner, 'p')}
join ${holder.name} as h on ${join.join(' and ')}
join ${table.name} as x on ${[...equal('x', tableColumns, 'h', holderColumns), ...restricted].join(' and ')}`;
}

import { type DueRows, keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';
import { unitSql } from '../fragments/unit-sql.js';

/** @internal */
export interface UnitRow {
  /** The position of the entity. */
  readonly e: number;
  readonly key: string;
}

/**
 * Rows and all soft-deletable rows that reference them, at any distance: what can only go together.
 *
 * @param onlyDue - whether rows that are not due, and what references them, are left out
 * @internal
 */
export function listUnit(
  all: readonly DueRows[],
  e: number,
  keys: readonly string[],
  limit?: number,
  onlyDue = false,
): string {
  const { plan, quote } = all[e]!;
  const { table } = plan.entity;
  const start = `select ${e} as e, p.tableoid as part, p.ctid as place
  from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}`;
  const listed = all.map(
    (rows, position) =>
      `select ${position} as e, ${keySql(rows.plan.entity.table)} as key from unit as u
join ${rows.plan.entity.table.name} as p on p.ctid = u.place and p.tableoid = u.part where u.e = ${position}`,
  );
  const most = limit === undefined ? '' : ` limit ${limit}`;
  return `with recursive ${unitSql(all, start, onlyDue)} select * from (${listed.join('\nunion all ')}) as k${most}`;
}

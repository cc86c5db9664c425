import { linkSql } from '../fragments/blocked.js';
import { type DueRows, keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';

/** @internal */
export interface UnitRow {
  /** The position of the entity. */
  readonly e: number;
  readonly key: string;
}

/** Rows and all soft-deletable rows that reference them, at any distance: what can only go together. @internal */
export function listUnit(all: readonly DueRows[], e: number, keys: readonly string[], limit: number): string {
  const { plan, quote } = all[e]!;
  const { table } = plan.entity;
  const steps = all.flatMap((rows, from) =>
    rows.plan.blockers.flatMap((path) => {
      const s = all.findIndex((other) => other.plan.entity === path.source);
      return s < 0
        ? []
        : [
            `select ${s} as e, s.tableoid as part, s.ctid as place from ${linkSql(rows.plan, path, quote)}
    and u.e = ${from} and p.tableoid = u.part and p.ctid = u.place`,
          ];
    }),
  );
  const start = `select ${e} as e, p.tableoid as part, p.ctid as place
  from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}`;
  const unit =
    steps.length === 0
      ? `unit as (${start})`
      : `unit(e, part, place) as (
  ${start} union select x.e, x.part, x.place from unit as u cross join lateral (
    ${steps.join('\n    union all ')}
  ) as x
)`;
  const listed = all.map(
    (rows, position) =>
      `select ${position} as e, ${keySql(rows.plan.entity.table)} as key from unit as u
join ${rows.plan.entity.table.name} as p on p.ctid = u.place and p.tableoid = u.part where u.e = ${position}`,
  );
  return `with recursive ${unit} select * from (${listed.join('\nunion all ')}) as k limit ${limit}`;
}

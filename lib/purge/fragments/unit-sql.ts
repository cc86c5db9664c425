import type { EntityPlan } from '../plan/purge-planner.js';
import { linkSql } from './blocked.js';
import { fenceSql } from './path-sql.js';
import { type DueRows, stillDueSql } from './row-sql.js';

/**
 * The common table expression `unit(e, part, place)`: rows, and all soft-deletable rows that reference them, at any distance. `e` is the
 * position of the entity, `part` and `place` the row.
 *
 * @param start - a query for the rows to begin with, with the columns of `unit`
 * @param onlyDue - whether rows that are not due, and what references them, are left out
 * @internal
 */
export function unitSql(all: readonly DueRows[], start: string, onlyDue = false): string {
  const positionOf = (source: EntityPlan['entity'] | undefined) => all.findIndex(({ plan }) => plan.entity === source);
  const steps = all.flatMap((rows, from) =>
    rows.plan.blockers.flatMap((path) => {
      const s = positionOf(path.source);
      if (s < 0) {
        return [];
      }
      const { plan, cutoff, quote } = all[s]!;
      const due = onlyDue ? ` and ${stillDueSql(plan.entity, cutoff, quote, 's')}` : '';
      return [
        `(select ${s} as e, s.tableoid as part, s.ctid as place from ${linkSql(rows.plan, path, rows.quote)}
    and u.e = ${from} and p.tableoid = u.part and p.ctid = u.place${due}${fenceSql(path)})`,
      ];
    }),
  );
  return steps.length === 0
    ? `unit as (${start})`
    : `unit(e, part, place) as (
  ${start} union select x.e, x.part, x.place from unit as u cross join lateral (
    ${steps.join('\n    union all ')}
  ) as x
)`;
}

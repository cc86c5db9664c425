import type { EntityPlan, ReferencePath } from '../plan/purge-planner.js';
import { equal, existsSql, fenceSql, names, pathSql } from './path-sql.js';
import { type DueRows, dueSql, keyListSql, sameKeySql, stillDueSql } from './row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** One entity whose rows are counted: its due rows, and the keys of those whose removal has failed. @internal */
export interface CountedRows extends DueRows {
  readonly failed: readonly string[];
}

/** The `via` of a row whose removal has failed, in `blocked`. @internal */
export const FAILED = -2;

/**
 * The common table expression `blocked(e, part, place, via)`: the due rows of all entities that cannot go, because of a reference
 * from a row that is not due, or from one that cannot go either. `e` is the position of the entity, `part` and `place` the
 * row, and `via` the position of the path that blocks. A row can be there several times.
 *
 * @param areFew - whether what references the due rows is to be looked up for each of them
 * @param isInUnit - whether only rows of the common table expression `unit` are looked at
 * @internal
 */
export function blockedSql(counted: readonly CountedRows[], areFew: boolean, isInUnit = false): string {
  const seeds: string[] = [];
  const steps: string[] = [];
  counted.forEach((rows, e) => {
    const { plan, cutoff, quote, failed } = rows;
    const { entity } = plan;
    const due = dueSql(entity, cutoff, quote);
    const stillDue = stillDueSql(entity, cutoff, quote);
    const inUnit = isInUnit ? ` join unit as u on u.e = ${e} and u.part = p.tableoid and u.place = p.ctid` : '';
    plan.blockers.forEach((path, via) => {
      const notDue = (last: string) => notDueSourceSql(path, last, counted);
      seeds.push(
        `select ${e} as e, p.tableoid as part, p.ctid as place, ${via} as via from ${entity.table.name} as p${inUnit}
    where ${isInUnit ? stillDue : due} and ${existsSql(path, entity, quote, notDue, areFew)}`,
      );
      const s = counted.findIndex((other) => other.plan.entity === path.source);
      if (s >= 0) {
        steps.push(
          `(select ${e} as e, p.tableoid as part, p.ctid as place, ${via} as via from ${linkSql(plan, path, quote)}
    and b.e = ${s} and s.tableoid = b.part and s.ctid = b.place and ${stillDue}${areFew ? fenceSql(path) : ''})`,
        );
      }
    });
    if (failed.length > 0) {
      seeds.push(
        `select ${e}, p.tableoid, p.ctid, ${FAILED} from ${keyListSql(entity.table, failed, quote)}
    join ${entity.table.name} as p on ${sameKeySql(entity.table, 'p')} where ${stillDue}`,
      );
    }
  });
  if (seeds.length === 0) {
    seeds.push('select 0 as e, null::oid as part, null::tid as place, 0 as via where false');
  }
  if (steps.length === 0) {
    return `blocked(e, part, place, via) as (${seeds.join('\n  union all ')})`;
  }
  return `blocked(e, part, place, via) as (
  (${seeds.join('\n  union all ')})
  union
  select x.e, x.part, x.place, x.via from blocked as b cross join lateral (
    ${steps.join('\n    union all ')}
  ) as x
)`;
}

/** `from … where …` that joins rows `p` of an entity with the rows `s` of the soft-deletable entity at the end of a path. @internal */
export function linkSql({ entity }: EntityPlan, path: ReferencePath, quote: QuoteValue): string {
  const { tables, last, where } = pathSql(path, quote);
  const { table } = path.source!;
  const { from } = path.hops.at(-1)!.reference;
  const key = names(table.key);
  const other = path.source === entity ? [`not (${equal('s', key, 'p', key).join(' and ')})`] : [];
  const conditions = [...where, ...equal('s', key, last, names(from.key)), ...other];
  return `${entity.table.name} as p, ${tables}, ${table.name} as s where ${conditions.join(' and ')}`;
}

/** Conditions for a source that is not due, and so does not go by itself. */
function notDueSourceSql({ hops, source }: ReferencePath, last: string, counted: readonly CountedRows[]): string[] {
  const going = counted.find(({ plan }) => plan.entity === source);
  if (!source || !going) {
    return [];
  }
  const { from } = hops.at(-1)!.reference;
  const due = (alias: string) => stillDueSql(source, going.cutoff, going.quote, alias);
  if (from === source.table) {
    return [`(${due(last)}) is not true`];
  }
  const same = equal('o', names(source.table.key), last, names(from.key)).join(' and ');
  return [`not exists (select from ${source.table.name} as o where ${same} and ${due('o')})`];
}

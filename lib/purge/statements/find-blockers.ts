import { blockedSql, type CountedRows } from '../fragments/blocked.js';
import { equal, names, pathSql } from '../fragments/path-sql.js';
import { keyListSql, keySql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';
import { unitSql } from '../fragments/unit-sql.js';
import type { ReferencePath } from '../plan/purge-planner.js';

/** @internal */
export interface BlockerRow {
  readonly key: string;
  /** The position of the path, or `null` for a row that is refused itself. */
  readonly via: number | null;
  /** How many rows at the end of the path stay, and some of their keys. */
  readonly rows: number;
  readonly keys: readonly string[] | null;
}

/** How many keys of blocking rows are named. */
const NAMED = 10;

/**
 * What stands in the way of due rows of one entity: for each of them each path that blocks, with the rows at its end that stay. The cost
 * follows these rows and what references them, however many more are due.
 *
 * @param e - the position of the entity
 * @internal
 */
export function findBlockers(counted: readonly CountedRows[], e: number, keys: readonly string[]): string {
  const { plan, cutoff, quote } = counted[e]!;
  const { table } = plan.entity;
  const start = `select ${e} as e, p.tableoid as part, p.ctid as place
  from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}
  where ${stillDueSql(plan.entity, cutoff, quote)}`;
  const asked = `from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}
  join blocked as b on b.e = ${e} and b.part = p.tableoid and b.place = p.ctid`;
  const found = plan.blockers.map(
    (path, via) => `select ${keySql(table)} as key, ${via} as via, r.rows, r.keys ${asked} and b.via = ${via}
  cross join lateral (
    select count(*)::int as rows, jsonb_agg(l.key) filter (where l.n <= ${NAMED}) as keys
    from (${stayingSql(counted, e, path)}) as l
  ) as r`,
  );
  const refused = `select ${keySql(table)} as key, null::int as via, 0 as rows, null::jsonb as keys ${asked} and b.via < 0`;
  return `with recursive ${unitSql(counted, start, true)}, ${blockedSql(counted, true, true)}
${[...found, refused].join('\nunion all ')}`;
}

/** The rows at the end of a path from the row `p` that stay: what is not due, and what is blocked itself. */
function stayingSql(counted: readonly CountedRows[], e: number, path: ReferencePath): string {
  const { plan, quote } = counted[e]!;
  const { tables, last, where } = pathSql(path, quote);
  const { from } = path.hops.at(-1)!.reference;
  const s = counted.findIndex((other) => other.plan.entity === path.source);
  const numbered = 'row_number() over () as n';
  if (!path.source || s < 0) {
    const key = from.key.length > 0 ? keySql(from, last) : 'null::text';
    return `select ${key} as key, ${numbered} from ${tables} where ${where.join(' and ')}`;
  }
  const source = counted[s]!;
  const same = equal('s', names(path.source.table.key), last, names(from.key));
  const other =
    path.source === plan.entity
      ? [`not (${equal('s', names(path.source.table.key), 'p', names(path.source.table.key)).join(' and ')})`]
      : [];
  const stays = `(${stillDueSql(path.source, source.cutoff, quote, 's')}) is not true
    or exists (select from blocked as o where o.e = ${s} and o.part = s.tableoid and o.place = s.ctid)`;
  return `select ${keySql(path.source.table, 's')} as key, ${numbered} from ${tables}, ${path.source.table.name} as s
    where ${[...where, ...same, ...other].join(' and ')} and (${stays})`;
}

import { equal, existsSql, names } from './path-sql.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import type { DueRows } from './row-sql.js';

/** The columns that `candidate` needs for `notDue`. @internal */
export function candidateColumns({ entity, blockers, selfReferences }: EntityPlan): string[] {
  return [
    ...new Set([
      entity.deletedAt.name,
      ...names(entity.table.key),
      ...blockers.flatMap(({ hops }) => hops[0]!.reference.toColumns),
      ...selfReferences.flatMap(({ fromColumns, toColumns }) => [...fromColumns, ...toColumns]),
    ]),
  ];
}

/**
 * The common table expression `notDue`: rows of `candidate` that have to stay because something outside of it references
 * them, or something inside of it that has to stay itself.
 *
 * @internal
 */
export function standingSql({ plan, quote }: DueRows): string {
  const { entity, selfReferences } = plan;
  const key = names(entity.table.key);
  const held = plan.blockers.map((path) => {
    const isSelf = path.hops.length === 1 && selfReferences.includes(path.hops[0]!.reference);
    return existsSql(path, entity, quote, (last) =>
      isSelf ? [`not exists (select from candidate as o where ${equal('o', key, last, key).join(' and ')})`] : [],
    );
  });
  const upwards = selfReferences.map(
    ({ fromColumns, toColumns }) => `(${equal('c', fromColumns, 'p', toColumns).join(' and ')})`,
  );
  const seed = `select p."purge:part", p."purge:place" from candidate as p where ${held.length > 0 ? held.join(' or ') : 'false'}`;
  if (upwards.length === 0) {
    return `notDue as (${seed})`;
  }
  return `notDue as (
  ${seed}
  union
  select p."purge:part", p."purge:place" from notDue as s
  join candidate as c on c."purge:part" = s."purge:part" and c."purge:place" = s."purge:place"
  join candidate as p on ${upwards.join(' or ')}
)`;
}

import { type DueTimes, retentionOf } from './due-times.js';
import type { PurgePlannedEntity, PurgePlannedReference } from './purge-plan.js';
import type { EntityPlan, ReferencePath } from './purge-planner.js';

/** Plans as they can be printed. @internal */
export function describePlan(
  plans: readonly EntityPlan[],
  times: DueTimes,
  byDefault: number | 'forever',
): PurgePlannedEntity[] {
  return plans.map((plan) => describeEntity(plan, times, byDefault));
}

function describeEntity(plan: EntityPlan, { cutoffs }: DueTimes, byDefault: number | 'forever'): PurgePlannedEntity {
  const { entity } = plan;
  return {
    entity: entity.name,
    table: entity.table.label,
    retention: retentionOf(entity, byDefault),
    cutoff: cutoffs.get(entity.name)?.date,
    blockedBy: plan.blockers.map(describePath),
    removes: [
      ...plan.attached.map(describePath),
      ...plan.companions.map(({ companion }) => ({
        table: companion.table.label,
        constraint: companion.relation,
        onDelete: 'none',
      })),
    ],
    advice: [...indexAdvice(plan), ...keyAdvice(plan)],
  };
}

function describePath({ hops, source }: ReferencePath): PurgePlannedReference {
  const { from, constraint, action } = hops.at(-1)!.reference;
  return { table: from.label, constraint, onDelete: action, ...(source ? { entity: source.name } : {}) };
}

function indexAdvice({ entity }: EntityPlan): string[] {
  if (entity.hasPurgeIndex) {
    return [];
  }
  const columns = [entity.deletedAt, ...entity.table.key].map(({ name }) => name).join(', ');
  return [
    `create index concurrently on ${entity.table.name} (${columns}) where ${entity.deletedAt.name} is not null; -- a purge reads the whole table without it`,
  ];
}

function keyAdvice({ unindexed }: EntityPlan): string[] {
  return unindexed.map(
    ({ from, fromColumns, constraint }) =>
      `create index concurrently on ${from.name} (${fromColumns.join(', ')}); -- ${constraint} reads the whole table for each purged row without it`,
  );
}

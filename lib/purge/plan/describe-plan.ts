import { type DueTimes, retentionOf } from './due-times.js';
import type { PurgePlannedEntity, PurgePlannedReference } from './purge-plan.js';
import type { TableFacts } from '../statements/read-table-facts.js';
import { adviseTable } from './advise.js';
import { describeUnreachable } from './find-unreachable.js';
import type { PurgeTable, UnreachableEntity } from './key-graph.js';
import type { EntityPlan, PlannedEntities, ReferencePath } from './purge-planner.js';

/** Plans as they can be printed. @internal */
export function describePlan(
  { plans, unreachable }: PlannedEntities,
  times: DueTimes,
  byDefault: number | 'forever',
  facts: readonly TableFacts[] = [],
): PurgePlannedEntity[] {
  return [
    ...plans.map((plan) => describeEntity(plan, times, byDefault, facts)),
    ...unreachable.flatMap((each) => leftAlone(each, times, byDefault)),
  ];
}

function leftAlone(
  each: UnreachableEntity,
  { cutoffs }: DueTimes,
  byDefault: number | 'forever',
): PurgePlannedEntity[] {
  const { entry, table } = each;
  const cutoff = cutoffs.get(entry.name)?.date;
  const empty = { blockedBy: [], removes: [], advice: [] };
  const retention = retentionOf(entry, byDefault);
  return cutoff ? [{ entity: entry.name, table, retention, cutoff, ...empty, error: describeUnreachable(each) }] : [];
}

/** The tables whose rows are purged: those of the entities, and those of what goes with their rows. @internal */
export function purgedTables({ entity, attached, companions }: EntityPlan): PurgeTable[] {
  const others = attached.map(({ hops }) => hops.at(-1)!.reference.from);
  return [...new Set([...entity.tables, ...others, ...companions.map(({ companion }) => companion.table)])];
}

function describeEntity(
  plan: EntityPlan,
  { cutoffs }: DueTimes,
  byDefault: number | 'forever',
  facts: readonly TableFacts[],
): PurgePlannedEntity {
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
    advice: [...indexAdvice(plan), ...keyAdvice(plan), ...tableAdvice(plan, facts)],
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
    `${createIndex(entity.table)} (${columns}) where ${entity.deletedAt.name} is not null; -- a purge reads the whole table without it`,
  ];
}

function keyAdvice({ unindexed }: EntityPlan): string[] {
  return unindexed.map(
    ({ from, fromColumns, constraint }) =>
      `${createIndex(from)} (${fromColumns.join(', ')}); -- ${constraint} reads the whole table for each purged row without it`,
  );
}

/** PostgreSQL adds none to a partitioned table concurrently. */
function createIndex({ name, isPartitioned }: PurgeTable): string {
  return `create index${isPartitioned ? '' : ' concurrently'} on ${name}`;
}

function tableAdvice(plan: EntityPlan, facts: readonly TableFacts[]): string[] {
  return purgedTables(plan).flatMap((table) => {
    const found = facts.find(({ id }) => id === table.id);
    const isOwn = table === plan.entity.table;
    return found ? adviseTable(found, table.label, isOwn ? plan.entity.deletedAt : undefined) : [];
  });
}

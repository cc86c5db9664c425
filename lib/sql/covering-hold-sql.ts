import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { HoldTables } from '../installation/hold-tables.js';
import { getInstallation } from '../installation/installation.js';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { takesAlong } from '../metadata/relations/relation-policies.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { relationSql } from './relation-sql.js';
import { rowConditionSql } from './row-condition-sql.js';
import { primaryColumnTypes, textSql } from './row-set.js';
import { tableName } from './table-name.js';

/** The relations by which a hold covers further rows. */
interface Relations {
  readonly catalog: SoftDeleteCatalog;
  readonly cascading: readonly GraphRelation[];
  /** Those, and the ways that `@PersonalData()` declares. */
  readonly all: readonly GraphRelation[];
}

/** A step from a row towards rows that holds may have been placed on. */
interface Step {
  readonly from: EntityMetadata;
  readonly to: EntityMetadata;
  readonly edge: GraphRelation;
  readonly way: 'up' | 'down';
}

/** How a row is asked whether a hold covers it. @internal */
export interface CoveringHold {
  /** The start of a query whose rows `h` are the active holds that cover the row, from `from` on. */
  readonly withSql: string;
  readonly fromSql: string;
  /** The entities whose tables it reads. */
  readonly entities: readonly EntityMetadata[];
}

/**
 * Asks of one row, given by the alias `row`, what `readHeldRows()` answers for all: from the row up to those it lies behind by `cascade`
 * relations or by what `@PersonalData()` declares, and down to plain ones that it would take along. It starts at the row, of which there is one, and not at the holds, which
 * may cover many.
 *
 * @internal
 */
export function coveringHoldSql(
  em: EntityManager,
  tables: HoldTables,
  meta: EntityMetadata,
  row: string,
): CoveringHold {
  const catalog = SoftDeleteCatalog.of(em);
  const cascading = catalog.graph.edges.filter(takesAlong);
  const all = [...cascading, ...(getInstallation(em).personalRelations ?? [])];
  const steps = stepsFrom({ catalog, cascading, all }, meta.root);
  const label = (entity: EntityMetadata) => em.getPlatform().quoteValue(entity.className);
  const start = `select ${label(meta.root)}::text as entity, ${keyJson(em, meta.root, row)} as key`;
  const further = steps.map(
    (step) => `select ${label(step.to)}::text as entity, ${stepSql(em, step, `r.entity = ${label(step.from)}`)}`,
  );
  const reached =
    further.length === 0
      ? start
      : `${start} union select s.entity, s.key from reached as r cross join lateral (${further.join(' union all ')}) as s`;
  return {
    withSql: `with recursive reached as (${reached})`,
    fromSql:
      `from ${tableName(em, tables.holds)} as h join ${tableName(em, tables.rows)} as n on n."hold" = h."id" ` +
      `join reached as r on n."entity" = r.entity and n."key" = r.key where h."released_at" is null`,
    entities: [...new Set([meta.root, ...steps.flatMap(({ to, edge }) => [to, edge.link.table])])],
  };
}

function stepsFrom(relations: Relations, start: EntityMetadata): Step[] {
  const steps: Step[] = [];
  const reached = new Set([start]);
  for (const from of reached) {
    for (const step of stepsOf(relations, from)) {
      steps.push(step);
      reached.add(step.to);
    }
  }
  return steps;
}

function stepsOf(relations: Relations, from: EntityMetadata): Step[] {
  const up = relations.all.filter(({ child }) => child.root === from);
  const down = relations.cascading.filter((edge) => edge.parent.root === from && leadsFurther(relations, edge));
  return [
    ...up.map((edge) => ({ from, to: edge.parent.root, edge, way: 'up' as const })),
    ...down.map((edge) => ({ from, to: edge.child.root, edge, way: 'down' as const })),
  ];
}

/** Whether a plain row is one of others as well. Those that are not are many, and lead nowhere. */
function leadsFurther(relations: Relations, edge: GraphRelation, seen: readonly GraphRelation[] = []): boolean {
  const entity = edge.child.root;
  if (relations.catalog.find(entity) || seen.includes(edge)) {
    return false;
  }
  return (
    relations.all.some((other) => other !== edge && other.child.root === entity) ||
    relations.cascading.some((other) => other.parent.root === entity && leadsFurther(relations, other, [...seen, edge]))
  );
}

/** The key of the rows that a step leads to, and where they are found, as far as the row `r` that it starts from. */
function stepSql(em: EntityManager, { edge, way }: Step, condition: string): string {
  const relation = relationSql(em, edge);
  const direct = way === 'up' ? keyOfParent(em, edge) : undefined;
  const [given, alias, asked, other] =
    way === 'up'
      ? ([edge.child.root, 'c', edge.parent.root, 'p'] as const)
      : ([edge.parent.root, 'p', edge.child.root, 'c'] as const);
  const { sql, params } = direct ?? {
    sql:
      `${keyJson(em, asked, other)} as key from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${relation.conditions.join(' and ')}`,
    params: relation.params,
  };
  return em.getPlatform().formatQuery(`${sql} and ${[condition, ...isKey(em, given, alias)].join(' and ')}`, params);
}

/**
 * The parent's key as the row behind has it, where it has it: when a foreign key takes that row along, the parent is gone already.
 */
function keyOfParent(em: EntityManager, edge: GraphRelation): { sql: string; params: readonly unknown[] } | undefined {
  const { link, members, except, linkConditions } = edge;
  const [parent, child] = [edge.parent.root, edge.child.root];
  if (
    link.kind !== 'child-key' ||
    link.referenced.join() !== primaryColumns(parent).join() ||
    members.parent.length > 0 ||
    except.length > 0
  ) {
    return undefined;
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const isOwn = link.table.tableName === child.tableName;
  const key = link.columns.map((column) => `${isOwn ? 'c' : 'k'}.${quote(column)}`);
  const same = primaryColumns(link.table).map(
    (column, i) => `k.${quote(column)} = c.${quote(primaryColumns(child)[i]!)}`,
  );
  const conditions = [
    ...members.child.map((member) => rowConditionSql(em, child, 'c', member)),
    ...linkConditions.map((member) => rowConditionSql(em, link.table, isOwn ? 'c' : 'k', member)),
  ];
  const texts = primaryColumnTypes(parent).map(({ type }, i) => textSql(key[i]!, type));
  return {
    sql:
      `jsonb_build_array(${texts.join(', ')}) as key from ${tableName(em, child)} as c` +
      `${isOwn ? '' : `, ${tableName(em, link.table)} as k`} where ${[
        ...key.map((column) => `${column} is not null`),
        ...(isOwn ? [] : same),
        ...conditions.map(({ sql }) => sql),
      ].join(' and ')}`,
    params: conditions.flatMap(({ params }) => params),
  };
}

function keyJson(em: EntityManager, meta: EntityMetadata, alias: string): string {
  const texts = primaryColumnTypes(meta).map(({ column, type }) =>
    textSql(`${alias}.${em.getPlatform().quoteIdentifier(column)}`, type),
  );
  return `jsonb_build_array(${texts.join(', ')})`;
}

/** The row `alias` has the key of `r`, whose texts are read as the types that the table has, so that its index is used. */
function isKey(em: EntityManager, meta: EntityMetadata, alias: string): string[] {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return primaryColumns(meta).map((column, i) => {
    const object = `jsonb_build_object(${em.getPlatform().quoteValue(column)}, r.key -> ${i})`;
    return `${alias}.${quote(column)} = (jsonb_populate_record(null::${tableName(em, meta)}, ${object})).${quote(column)}`;
  });
}

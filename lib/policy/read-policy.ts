import { type EntityMetadata, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { complianceEntities } from '../compliance/compliance-entities.js';
import { hasTable } from '../metadata/has-table.js';
import type { ArchivedEntityMetadata } from '../metadata/archived-entity.js';
import type { GraphRelation } from '../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuses, takesAlong } from '../metadata/relations/relation-policies.js';
import { findActiveUniques } from '../schema/find-active-uniques.js';
import type { EntityPolicy } from './entity-policy.js';
import { readPersonalData } from './read-personal-data.js';
import { showMembers } from './show-members.js';

/**
 * The policies of the application's entities that have a table, by name: this package's own only grow, or are emptied as its options say. Reads the metadata and no database.
 *
 * @throws SoftDeleteConfigError if an entity is marked in a way that cannot work
 * @internal
 */
export function readPolicy(em: EntityManager, byDefault: number | 'forever' | undefined): EntityPolicy[] {
  const catalog = SoftDeleteCatalog.of(em);
  const own = new Set(complianceEntities().map((entity) => em.getMetadata().find(entity.meta.class)));
  return [...em.getMetadata()]
    .filter((meta) => !own.has(meta))
    .filter((meta) => meta.root === meta && hasTable(meta) && !meta.pivotTable)
    .map((meta) => {
      const personalData = readPersonalData(em, meta);
      return { ...describe(em, catalog, meta, byDefault), ...(personalData.length > 0 ? { personalData } : {}) };
    })
    .sort((a, b) => (a.entity < b.entity ? -1 : 1));
}

function describe(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  byDefault: number | 'forever' | undefined,
): EntityPolicy {
  const entry = catalog.find(meta);
  const archived = catalog.findArchived(meta);
  if (archived) {
    return describeArchived(catalog, archived, byDefault, tableOf(meta), uniqueAmongAll(classesOf(em, meta), []));
  }
  const relations = entry ? catalog.graph.from(meta) : [];
  const isMarked = (relation: GraphRelation) => catalog.findMarked(relation.child) !== undefined;
  const rule = ({ link }: GraphRelation) => (link.kind === 'child-key' ? link.deleteRule : undefined);
  const list = (wanted: (relation: GraphRelation) => boolean) =>
    [...new Set(relations.filter(wanted).map(describeRelation))].sort();
  const byKey = (relation: GraphRelation) => relation.link.kind === 'child-key';
  const isPart = (relation: GraphRelation) =>
    byKey(relation) && !isMarked(relation) && (takesAlong(relation) || rule(relation) === 'cascade');
  const isCleared = (relation: GraphRelation) =>
    !catalog.find(relation.child) && !isPart(relation) && rule(relation) === 'set null';
  const unique = entry ? findActiveUniques(entry, em.getPlatform()) : [];
  return {
    entity: meta.className,
    table: tableOf(meta),
    strategy: entry ? 'soft' : 'physical',
    column: entry?.column,
    guarded: entry?.guard ?? false,
    retention: entry && (entry.retention ?? byDefault),
    deletedAlong: list((relation) => takesAlong(relation) && isMarked(relation)),
    restrictedBy: list(refuses),
    kept: list((relation) => !refuses(relation) && (!takesAlong(relation) || !isMarked(relation))),
    purgedAlong: [...list(isPart), ...pivotRows(relations)],
    clearedAtPurge: list(isCleared),
    clearedAtOnce: [],
    blockPurge: list((relation) => byKey(relation) && !isPart(relation) && !isCleared(relation)),
    uniqueAmongActive: unique.map(({ properties, allActiveRows, where }) =>
      allActiveRows
        ? properties.join(', ')
        : `${properties.join(', ')} (where ${describeCondition(where, entry!.property)})`,
    ),
    uniqueAmongAll: uniqueAmongAll(
      classesOf(em, meta),
      unique.map(({ properties }) => properties.join(', ')),
    ),
  };
}

/** What is archived leaves its table, with everything that its deletion takes along. */
function describeArchived(
  catalog: SoftDeleteCatalog,
  { meta, retention }: ArchivedEntityMetadata,
  byDefault: number | 'forever' | undefined,
  table: string,
  unique: readonly string[],
): EntityPolicy {
  const relations = catalog.graph.from(meta);
  const list = (wanted: (relation: GraphRelation) => boolean) =>
    [...new Set(relations.filter(wanted).map(describeRelation))].sort();
  return {
    entity: meta.className,
    table,
    strategy: 'archive',
    ...(meta.comment ? { comment: meta.comment } : {}),
    guarded: false,
    retention: retention ?? byDefault,
    deletedAlong: [...list(takesAlong), ...pivotRows(relations)],
    restrictedBy: list(refuses),
    kept: [],
    purgedAlong: [],
    clearedAtPurge: [],
    clearedAtOnce: list(
      (relation) => relation.link.kind === 'child-key' && !refuses(relation) && !takesAlong(relation),
    ),
    blockPurge: [],
    uniqueAmongActive: [],
    uniqueAmongAll: unique,
  };
}

function tableOf({ schema, tableName }: EntityMetadata): string {
  return schema && schema !== '*' ? `${schema}.${tableName}` : tableName;
}

function classesOf(em: EntityManager, meta: EntityMetadata): EntityMetadata[] {
  return [...em.getMetadata()].filter(({ root }) => root === meta);
}

/** `Blog.drafts (Post where { published: false })` */
function describeRelation(relation: GraphRelation): string {
  const members = showMembers(relation);
  return `${relation.name} (${relation.child.className}${members && ` ${members}`})`;
}

function pivotRows(relations: readonly GraphRelation[]): string[] {
  return [
    ...new Set(relations.flatMap(({ link }) => (link.kind === 'pivot' ? [`the rows of ${link.table.tableName}`] : []))),
  ];
}

/** What the classes of a hierarchy declare, each of which may have its own table. */
function uniqueAmongAll(classes: readonly EntityMetadata[], active: readonly string[]): string[] {
  const declared = classes.flatMap(({ uniques }) =>
    uniques.map(({ properties }) => Utils.asArray(properties as string | string[]).join(', ')),
  );
  const single = classes.flatMap(({ props }) => props.filter(({ unique, primary }) => unique && !primary));
  return [
    ...new Set([
      ...single.map(({ name }) => name),
      ...declared.filter((properties) => properties !== '' && !active.includes(properties)),
    ]),
  ];
}

function describeCondition(where: Record<string, unknown> | string, property: string): string {
  if (typeof where === 'string') {
    return where;
  }
  const { [property]: _, ...rest } = where;
  return JSON.stringify(rest);
}

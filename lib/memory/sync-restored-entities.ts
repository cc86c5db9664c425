import {
  type Collection,
  type EntityMetadata,
  type EntityProperty,
  helper,
  Reference,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SOFT_DELETE_FILTER } from '../metadata/filter-name.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { outerManagers } from '../installation/outer-managers.js';
import { getInstallation } from '../installation/installation.js';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import { entityKeys, keyAsCondition, rowKeys } from '../sql/entity-key.js';
import { putIn } from '../orm/loading/chosen-part.js';
import { askDatabaseOnce } from '../orm/loading/loaded-while-active.js';
import { keepToPart } from './keep-to-part.js';
import { leadsTo, managedEntities, markValues, takeOut, takeOver, type Undo, undoLoaded } from './managed-entities.js';
import { countOn, readWritten } from './sync-managed-entities.js';
import { relationSql } from '../sql/relation-sql.js';
import { identify, inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/** Above this, restored rows are found by their owners rather than by their keys. */
const MANY = 1_000;

/**
 * Tells memory which of the entities it holds are active again, and puts restored rows, loaded before or not, back into the
 * loaded collections and inverse references that they belong to. So it does for the entity managers that this one works for.
 *
 * @internal
 */
export async function syncRestored(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<Undo> {
  const undo: Undo[] = [];
  for (const each of [em, ...outerManagers(em)]) {
    undo.push(await syncOne(each, ctx, entry, rows));
  }
  return () => undo.toReversed().forEach((step) => step());
}

/** Entities that are loaded from now on would pass for active after a rollback, so that the database is asked about them again. @internal */
export function doubtLoaded(em: EntityManager, metas: readonly EntityMetadata[]): Undo {
  const undo = [em, ...outerManagers(em)].flatMap((each) =>
    metas.map((meta) => undoLoaded(each, meta, askDatabaseOnce)),
  );
  return () => undo.forEach((step) => step());
}

/**
 * Loads the rows of bare references before they are restored: these do not know what they go back to if that does not last.
 *
 * @internal
 */
export async function loadReferences(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<void> {
  for (const each of [em, ...outerManagers(em)]) {
    const bare = managedEntities(each, meta).filter((entity) => !helper(entity).__initialized);
    const restored = [...(await rowKeys(each, ctx, meta, bare)).values()].filter((key) => rows.has(meta, key));
    if (restored.length > 0) {
      await findDeletedToo(each, ctx, meta, restored);
    }
  }
}

async function syncOne(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<Undo> {
  const { meta, property } = entry;
  const undo: Undo[] = [];
  const deleted = managedEntities(em, meta).filter((entity) => (entity as Record<string, unknown>)[property] != null);
  const restored = [...(await rowKeys(em, ctx, meta, deleted))].filter(([, key]) => rows.has(meta, key));
  const version = meta.properties[meta.versionProperty];
  // What a version that is a time has become, nobody but the row knows.
  const written =
    version && version.runtimeType !== 'number'
      ? await readWritten(em, ctx, entry, null, restored)
      : restored.map(([entity]) => [entity, countOn(entry, entity)] as const);
  for (const [entity, values] of written) {
    undo.push(takeOver(em, entity, { ...values, ...markValues(entry, null) }));
  }
  const { graph } = getInstallation(em).catalog;
  for (const owner of em.getMetadata()) {
    for (const prop of owner.relations.filter((candidate) => leadsTo(candidate, meta))) {
      const owners = ownersWaiting(em, owner, prop);
      if (owners.length === 0) {
        continue;
      }
      for (const { edge } of graph.candidatesOf(owner, prop)) {
        if (edge.property === prop.name && edge.child.root === meta.root && !refersToOtherKey(edge)) {
          undo.push(await rejoin(em, ctx, prop, edge, owners, rows));
        }
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
}

/**
 * Whether the key refers to another property than the primary key (`targetKey`). The ORM makes a new entity of what such a key refers
 * to, beside the one it holds, and inserts it with the next flush: so nothing is read for these relations.
 */
function refersToOtherKey({ link, child }: GraphRelation): boolean {
  return link.kind === 'child-key' && child.properties[link.property]?.targetKey !== undefined;
}

/** The managed owners that have been asked for the relation, so that a restored row must appear there. */
function ownersWaiting(em: EntityManager, owner: EntityMetadata, prop: EntityProperty): object[] {
  return managedEntities(em, owner).filter((entity) => {
    if (metadataOf(em, entity) !== owner) {
      return false;
    }
    const value = (entity as Record<string, unknown>)[prop.name];
    switch (prop.kind) {
      case ReferenceKind.ONE_TO_MANY:
        return Utils.isCollection(value) && value.isInitialized();
      case ReferenceKind.MANY_TO_MANY:
        return Utils.isCollection(value) && value.isInitialized() && !value.isDirty();
      case ReferenceKind.ONE_TO_ONE:
        return !prop.owner && value === null;
      default:
        return false;
    }
  });
}

async function rejoin(
  em: EntityManager,
  ctx: Transaction,
  prop: EntityProperty,
  edge: GraphRelation,
  owners: readonly object[],
  rows: RowSet,
): Promise<Undo> {
  const undo: Undo[] = [];
  const restored = await pairs(em, ctx, edge, owners, rows);
  const kept = await keepToPart(em, ctx, prop.name, edge.child, restored);
  undo.push(kept.undo);
  for (const [front, joining] of Map.groupBy(kept.pairs, ([owner]) => owner)) {
    const entities = joining.map(([, entity]) => entity);
    undo.push(
      prop.kind === ReferenceKind.ONE_TO_ONE
        ? rejoinReference(front, prop, entities[0]!)
        : rejoinCollection(front, prop, entities),
    );
  }
  return () => undo.forEach((step) => step());
}

/** Each restored entity with the owner that it belongs to. */
async function pairs(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  owners: readonly object[],
  rows: RowSet,
): Promise<[object, object][]> {
  const target = edge.child;
  const keys = [...(await rowKeys(em, ctx, edge.parent, owners))];
  const byKey = new Map(keys.map(([entity, key]) => [identify(key), entity]));
  const fronts = keys.map(([, key]) => key);
  const links = await linkRows(em, ctx, edge, fronts, rows.keys(target));
  const restored = links.filter(({ behind }) => rows.has(target, behind));
  if (restored.length === 0) {
    return [];
  }
  const behind = restored.map((link) => link.behind);
  const entities = await findDeletedToo(em, ctx, target, behind);
  const byRestoredKey = new Map(
    [...(await rowKeys(em, ctx, target, entities))].map(([entity, key]) => [identify(key), entity]),
  );
  return restored.flatMap((link): [object, object][] => {
    const [owner, entity] = [byKey.get(identify(link.front)), byRestoredKey.get(identify(link.behind))];
    // What the application's filters hide is no member of what this entity manager has loaded.
    return owner && entity ? [[owner, entity]] : [];
  });
}

/** Composite keys make conditions as deep as they are many, so they are asked for in smaller portions. */
const FOUND_AT_ONCE = 500;

async function findDeletedToo(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  keys: readonly RowKey[],
): Promise<object[]> {
  const options = { ctx, filters: { [SOFT_DELETE_FILTER]: false }, flushMode: 'commit' } as const;
  const entityKey = await entityKeys(em, ctx, meta, keys);
  const found: object[] = [];
  for (let i = 0; i < keys.length; i += FOUND_AT_ONCE) {
    const chunk = keys.slice(i, i + FOUND_AT_ONCE).map(entityKey);
    found.push(...(await em.find<object>(meta.class, anyOf(meta, chunk) as never, options)));
  }
  return found;
}

function anyOf(meta: EntityMetadata, keys: readonly unknown[]): object {
  return meta.compositePK
    ? { $or: keys.map((key) => keyAsCondition(meta, key)) }
    : { [meta.primaryKeys[0]!]: { $in: keys } };
}

/** The keys of owners and of the rows that the relation contains. */
async function linkRows(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  fronts: readonly RowKey[],
  restored: readonly RowKey[],
): Promise<{ front: string[]; behind: string[] }[]> {
  const relation = relationSql(em, edge);
  const behind = restored.length <= MANY ? keyConditionSql(em, edge.child, 'c', restored) : undefined;
  const found: { front: string[]; behind: string[] }[][] = [];
  await inChunks(fronts, async (chunk) => {
    const front = keyConditionSql(em, edge.parent, 'p', chunk);
    found.push(
      await execute(
        em,
        ctx,
        `select ${keySql(em, edge.parent, 'p', 'front')}, ${keySql(em, edge.child, 'c', 'behind')} ` +
          `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
          `where ${[front.sql, ...(behind ? [behind.sql] : []), ...relation.conditions].join(' and ')}`,
        [...front.params, ...(behind?.params ?? []), ...relation.params],
      ),
    );
  });
  return found.flat();
}

function rejoinCollection(front: object, prop: EntityProperty, entities: readonly object[]): Undo {
  const collection = (front as Record<string, Collection<object>>)[prop.name]!;
  const wasDirty = collection.isDirty() && prop.kind === ReferenceKind.MANY_TO_MANY;
  const settle = () => (wasDirty ? collection.setDirty(true) : collection.takeSnapshot());
  putIn(collection, entities);
  settle();
  return () => {
    takeOut(collection, entities);
    settle();
  };
}

function rejoinReference(front: object, prop: EntityProperty, entity: object): Undo {
  const { __data: data } = helper(front);
  const before = data[prop.name];
  data[prop.name] = Reference.wrapReference(entity, prop as never);
  return () => {
    data[prop.name] = before;
  };
}

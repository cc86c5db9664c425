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
import { SOFT_DELETE_FILTER } from '../filter/filter-name.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { outerManagers } from '../metadata/outer-managers.js';
import { owningTable, primaryColumns } from '../metadata/relation-graph.js';
import { tableName } from '../metadata/table-name.js';
import { entityKeys, keyAsCondition, rowKeys } from './entity-key.js';
import { managedEntities, takeOut, takeOver, type Undo } from './managed-entities.js';
import { identify, inChunks, keyConditionSql, type RowKey, type RowSet, textSql } from './row-set.js';
import { execute } from './transaction.js';

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
  for (const [entity, key] of await rowKeys(em, ctx, meta, deleted)) {
    if (rows.has(meta, key)) {
      const version = meta.versionProperty && (entity as Record<string, any>)[meta.versionProperty];
      undo.push(
        takeOver(em, entity, {
          [property]: null,
          ...(typeof version === 'number' ? { [meta.versionProperty]: version + 1 } : {}),
        }),
      );
    }
  }
  for (const owner of em.getMetadata()) {
    for (const prop of owner.relations.filter((candidate) => candidate.targetMeta?.root === meta.root)) {
      const owners = ownersWaiting(em, owner, prop);
      if (owners.length > 0) {
        undo.push(await rejoin(em, ctx, prop, owners, rows));
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
}

/** The managed owners that have been asked for the relation, so that a restored row must appear there. */
function ownersWaiting(em: EntityManager, owner: EntityMetadata, prop: EntityProperty): object[] {
  return managedEntities(em, owner).filter((entity) => {
    if (metadataOf(em, entity) !== owner) {
      return false;
    }
    const value = (entity as Record<string, any>)[prop.name];
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
  owners: readonly object[],
  rows: RowSet,
): Promise<Undo> {
  const undo: Undo[] = [];
  for (const [front, joining] of Map.groupBy(await pairs(em, ctx, prop, owners, rows), ([owner]) => owner)) {
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
  prop: EntityProperty,
  owners: readonly object[],
  rows: RowSet,
): Promise<[object, object][]> {
  const target = prop.targetMeta!;
  const keys = [...(await rowKeys(em, ctx, metadataOf(em, owners[0]!), owners))];
  const byKey = new Map(keys.map(([entity, key]) => [identify(key), entity]));
  const links = await linkRows(
    em,
    ctx,
    prop,
    keys.map(([, key]) => key),
    rows.keys(target),
  );
  const restored = links.filter(({ behind }) => rows.has(target, behind));
  if (restored.length === 0) {
    return [];
  }
  const entities = await findDeletedToo(
    em,
    ctx,
    target,
    restored.map(({ behind }) => behind),
    prop.where,
  );
  const byRestoredKey = new Map(
    [...(await rowKeys(em, ctx, target, entities))].map(([entity, key]) => [identify(key), entity]),
  );
  return restored.flatMap(({ front, behind }): [object, object][] => {
    const [owner, entity] = [byKey.get(identify(front)), byRestoredKey.get(identify(behind))];
    // What the application's filters hide, or the relation's own condition excludes, is no member of what this entity manager has loaded.
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
  where: object = {},
): Promise<object[]> {
  const options = { ctx, filters: { [SOFT_DELETE_FILTER]: false }, flushMode: 'commit' } as const;
  const entityKey = await entityKeys(em, ctx, meta, keys);
  const found: object[] = [];
  for (let i = 0; i < keys.length; i += FOUND_AT_ONCE) {
    const chunk = keys.slice(i, i + FOUND_AT_ONCE).map(entityKey);
    found.push(...(await em.find<object>(meta.class, { $and: [anyOf(meta, chunk), where] } as never, options)));
  }
  return found;
}

function anyOf(meta: EntityMetadata, keys: readonly unknown[]): object {
  return meta.compositePK
    ? { $or: keys.map((key) => keyAsCondition(meta, key)) }
    : { [meta.primaryKeys[0]!]: { $in: keys } };
}

/** The keys of owners and of rows behind the relation, from the table that holds the foreign key. */
async function linkRows(
  em: EntityManager,
  ctx: Transaction,
  prop: EntityProperty,
  fronts: readonly RowKey[],
  restored: readonly RowKey[],
): Promise<{ front: string[]; behind: string[] }[]> {
  const isPivot = prop.kind === ReferenceKind.MANY_TO_MANY;
  const owning = isPivot ? prop : (prop.targetMeta!.properties as Record<string, EntityProperty>)[prop.mappedBy]!;
  const table = isPivot ? em.getMetadata().find(prop.pivotEntity)! : owningTable(prop.targetMeta!, owning);
  const frontColumns = owning.joinColumns;
  const behindColumns = isPivot ? prop.inverseJoinColumns : primaryColumns(table);
  const types = new Map(
    table.props.flatMap(
      ({ fieldNames, columnTypes }) => fieldNames?.map((name, i) => [name, columnTypes?.[i]] as const) ?? [],
    ),
  );
  const text = (columns: readonly string[]) =>
    `array[${columns.map((name) => textSql(`l.${em.getPlatform().quoteIdentifier(name)}`, types.get(name) ?? '')).join(', ')}]`;
  const within = (columns: readonly string[], keys: readonly RowKey[]) =>
    keyConditionSql(em, table, 'l', keys, columns, tableName(em, table));
  const behind = restored.length <= MANY ? within(behindColumns, restored) : undefined;
  const found: { front: string[]; behind: string[] }[][] = [];
  await inChunks(fronts, async (chunk) => {
    const front = within(frontColumns, chunk);
    found.push(
      await execute(
        em,
        ctx,
        `select ${text(frontColumns)} as front, ${text(behindColumns)} as behind from ${tableName(em, table)} as l ` +
          `where ${[front, ...(behind ? [behind] : [])].map(({ sql }) => sql).join(' and ')}`,
        [...front.params, ...(behind?.params ?? [])],
      ),
    );
  });
  return found.flat();
}

function rejoinCollection(front: object, prop: EntityProperty, entities: readonly object[]): Undo {
  const collection = (front as Record<string, Collection<object>>)[prop.name]!;
  const wasDirty = collection.isDirty() && prop.kind === ReferenceKind.MANY_TO_MANY;
  const settle = () => (wasDirty ? collection.setDirty(true) : collection.takeSnapshot());
  entities.forEach((entity) => collection.addWithoutPropagation(entity));
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

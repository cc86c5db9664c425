import {
  type Collection,
  type EntityKey,
  type EntityMetadata,
  type EntityProperty,
  helper,
  Reference,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { leftEntities } from '../installation/outer-managers.js';
import { putIn } from '../orm/loading/chosen-part.js';
import { ScopedCollection } from '../orm/loading/scoped-collection.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { nullValue } from '../metadata/null-value.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { askDatabaseWhileDeleted } from '../orm/loading/loaded-while-active.js';

/** Takes back a change of memory. @internal */
export type Undo = () => void;

/** The managed entities of a hierarchy, and those that a transaction which was rolled back has left. @internal */
export function managedEntities(em: EntityManager, meta: EntityMetadata): object[] {
  const managed = em.getUnitOfWork().getIdentityMap().getStore<object>(meta.root).values();
  const left = leftEntities(em.getContext(false) as EntityManager);
  return [...new Set([...managed, ...left.filter((entity) => metadataOf(em, entity).root === meta.root)])];
}

/** What is done to entities that are loaded from now on, once this is undone. @internal */
export function undoLoaded(em: EntityManager, meta: EntityMetadata, undo: (entity: object) => void): Undo {
  const known = new Set(managedEntities(em, meta));
  return () =>
    managedEntities(em, meta)
      .filter((entity) => !known.has(entity))
      .forEach((entity) => undo(entity));
}

/**
 * Gives a managed entity the values that a statement has just written, as if they had been loaded, so that no later flush
 * writes them again.
 *
 * @param earlier - what the row held before, for a bare reference, which does not know: it may be loaded until the change is undone
 * @internal
 */
export function takeOver(
  em: EntityManager,
  entity: object,
  values: Readonly<Record<string, unknown>>,
  earlier: Readonly<Record<string, unknown>> = {},
): Undo {
  const wrapped = helper(entity) as ReturnType<typeof helper<object>>;
  const target = entity as Record<string, unknown>;
  const names = Object.keys(values);
  const before = Object.fromEntries(names.map((name) => [name, target[name]]));
  const original = { ...wrapped.__originalEntityData };
  const wasLoaded = wrapped.__initialized;
  // What a read gives for NULL.
  const none = nullValue(em);
  const write = (written: Readonly<Record<string, unknown>>, source?: Readonly<Record<string, unknown>>) => {
    const changed = names.filter((name) => name in written);
    changed.forEach((name) => (target[name] = written[name] === null ? none : written[name]));
    if (wrapped.__originalEntityData) {
      const snapshot = source ?? em.getComparator().prepareEntity<object>(entity);
      changed.forEach((name) => keepInStep(wrapped.__originalEntityData!, snapshot, name));
    }
  };
  write(values);
  return () => {
    if (wrapped.__initialized && !wasLoaded) {
      write(earlier);
    } else {
      write(before, original);
    }
  };
}

/**
 * Copies one value into an entity's original data, its absence included: a bare reference is compared key by key, so that one
 * too many makes it look changed, version properties among them (`ChangeSetComputer.js`).
 *
 * @internal
 */
export function keepInStep(
  original: Record<string, unknown>,
  source: Readonly<Record<string, unknown>>,
  name: string,
): void {
  if (name in source) {
    original[name] = source[name];
  } else {
    delete original[name];
  }
}

/**
 * Marks managed entities as deleted in memory: they carry the time, `findOne()` asks the database for them, and loaded
 * collections and inverse references no longer hand them out. Their own references stay, and so do the references to them.
 *
 * @internal
 */
export function markDeleted(
  em: EntityManager,
  entry: SoftDeletableEntityMetadata,
  deleted: ReadonlyMap<object, Readonly<Record<string, unknown>>>,
): Undo {
  const undo: Undo[] = [];
  for (const [entity, values] of deleted) {
    askDatabaseWhileDeleted(entity, entry.property);
    undo.push(takeOver(em, entity, values, whileActive(entry, values)));
  }
  undo.push(leaveCollections(em, entry.meta, new Set(deleted.keys())));
  return () => undo.toReversed().forEach((step) => step());
}

/** What the mark of a row holds in memory: the time of its deletion and, where the entity keeps it, who has deleted it. @internal */
export function markValues(
  { property, deletedBy }: SoftDeletableEntityMetadata,
  time: unknown,
  actor?: unknown,
): Record<string, unknown> {
  return { [property]: time, ...(deletedBy ? { [deletedBy.property]: actor ?? null } : {}) };
}

/** What a row held before it was deleted, as far as what it holds since tells: a counted version is one less. @internal */
export function whileActive(
  entry: SoftDeletableEntityMetadata,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { meta } = entry;
  const version = values[meta.versionProperty];
  return {
    ...markValues(entry, null),
    ...(typeof version === 'number' ? { [meta.versionProperty]: version - 1 } : {}),
  };
}

/** Takes entities out of every loaded collection and inverse reference that holds them, without making any of these dirty. */
function leaveCollections(em: EntityManager, meta: EntityMetadata, entities: ReadonlySet<object>): Undo {
  const undo: Undo[] = [];
  for (const { owner, property, kind } of referrers(em, meta)) {
    const value = (owner as Record<string, unknown>)[property];
    if (Utils.isCollection<object>(value)) {
      // A many-to-many collection with unsaved changes is compared with its snapshot at the next flush: leaving it now would
      // delete the pivot row.
      if (!value.isInitialized() || (kind === ReferenceKind.MANY_TO_MANY && value.isDirty())) {
        continue;
      }
      const leaving = value.getItems(false).filter((candidate) => entities.has(candidate));
      if (leaving.length > 0) {
        undo.push(leaveCollection(value, leaving));
      }
    } else if (kind === ReferenceKind.ONE_TO_ONE && entities.has(Reference.unwrapReference(value as object))) {
      const data = helper(owner).__data;
      data[property] = null;
      undo.push(() => {
        data[property] = value;
      });
    }
  }
  return () => undo.forEach((step) => step());
}

/** Takes entities out of a loaded collection without making it dirty. @internal */
export function leaveCollection(collection: Collection<object>, items: readonly object[]): Undo {
  const wasDirty = collection.isDirty();
  const restoreState = () => (wasDirty ? collection.setDirty(true) : collection.takeSnapshot());
  takeOut(collection, items);
  restoreState();
  return () => {
    putIn(collection, items);
    restoreState();
  };
}

/** Takes entities out of a loaded collection alone: neither their references nor the other side are told. @internal */
export function takeOut(collection: Collection<object>, items: readonly object[]): void {
  if (collection instanceof ScopedCollection) {
    collection.removeManyWithoutPropagation(items);
  } else {
    items.forEach((item) => collection.removeWithoutPropagation(item));
  }
}

/** The managed owners of relations that may hold rows of an entity without holding its foreign key. */
function* referrers(em: EntityManager, meta: EntityMetadata) {
  for (const other of em.getMetadata()) {
    const relations = other.relations.filter(
      (prop) =>
        leadsTo(prop, meta) &&
        (prop.kind === ReferenceKind.ONE_TO_MANY ||
          prop.kind === ReferenceKind.MANY_TO_MANY ||
          (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner)),
    );
    if (relations.length === 0) {
      continue;
    }
    for (const owner of managedEntities(em, other)) {
      if (metadataOf(em, owner) !== other) {
        continue;
      }
      for (const { name, kind } of relations) {
        yield { owner, property: name as EntityKey<object>, kind };
      }
    }
  }
}

/** Whether rows of an entity may be at the other end of a relation: a polymorphic one leads to several. @internal */
export function leadsTo({ targetMeta, polymorphTargets }: EntityProperty, meta: EntityMetadata): boolean {
  return (polymorphTargets ?? (targetMeta ? [targetMeta] : [])).some(({ root }) => root === meta.root);
}

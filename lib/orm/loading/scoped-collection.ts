import {
  Collection,
  type EntityMetadata,
  type EntityProperty,
  type FilterOptions,
  helper,
  QueryHelper,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import { activePredicate, type DeletedScope } from '../../metadata/active-predicate.js';
import { findInstallation, type Installation } from '../../installation/installation.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import { SOFT_DELETE_FILTER } from '../../metadata/filter-name.js';
import { chosenBy, isOutdated, noteDeparture, notePart, partOf, UNKNOWN_PART } from './chosen-part.js';
import { readScope } from '../read-scope.js';
import { showsEvery } from '../../metadata/relations/relation-filters.js';

/** Collections that were last loaded with deleted rows included. */
const complete = new WeakSet<object>();
/** Collections that hold a part of the relation that their loader chose. */
const chosen = new WeakSet<object>();
/** Collections that are being read, and the scope of that read: the ORM asks about them several times before it fills them. */
const reading = new WeakMap<object, DeletedScope>();

/**
 * A collection of soft-deletable entities that knows under which scope it was loaded. In one entity manager there is one object
 * per relation, so what one scope has loaded, another one would find.
 *
 * The ORM's hydrator makes collections of its own class; `adoptCollections()` turns them into scoped ones, so nothing here is a `#private`
 * member.
 *
 * @internal
 */
export class ScopedCollection<T extends object> extends Collection<T> {
  /** Whether what the collection holds is not what the scope shows. One with unsaved changes stays as it is. */
  isOutOfScope(scope: DeletedScope, installation: Installation): boolean {
    if (!this.isInitialized() || this.hasUnsavedChanges()) {
      return false;
    }
    if (reading.get(this) === scope || isOutdated(this)) {
      return true;
    }
    if (scope !== 'active') {
      return !complete.has(this);
    }
    const prop = this.property as EntityProperty;
    const property = installation.catalog.find(prop.targetMeta!)?.property;
    return (
      property !== undefined &&
      !showsEvery(prop, SOFT_DELETE_FILTER) &&
      this.getItems(false).some((item) => (item as Record<string, unknown>)[property] != null)
    );
  }

  /** Lets go of deleted rows that a read in a wider scope has put here. */
  showActive(installation: Installation): void {
    if (reading.has(this) || !this.isOutOfScope('active', installation)) {
      return;
    }
    const { property } = installation.catalog.get(this.property.targetMeta!);
    this.removeManyWithoutPropagation(
      this.getItems(false).filter((item) => (item as Record<string, unknown>)[property] != null),
    );
    this.takeSnapshot();
    this.wasReadUnder('active');
  }

  /** Notes that what fills the collection next was read under a scope. */
  isReadUnder(scope: DeletedScope): void {
    reading.set(this, scope);
  }

  /** Notes that what the collection holds was read under a scope. */
  wasReadUnder(scope: DeletedScope): void {
    reading.delete(this);
    if (scope === 'active') {
      complete.delete(this);
    } else {
      complete.add(this);
    }
  }

  /** Whether re-reading must start from a fresh collection: the ORM lets nobody change one that holds a chosen part. */
  get holdsPart(): boolean {
    return chosen.has(this);
  }

  override async load(options: any = {}): Promise<any> {
    const current = this.currentScope(options.filters);
    return current && this.isOutOfScope(current.scope, current.installation)
      ? this.init({ refresh: false, ...options })
      : super.load(options);
  }

  override async init(options: any = {}): Promise<any> {
    const current = this.currentScope(options.filters);
    // The ORM puts back what a collection that is marked as changed held before, also if it is saved and gone since.
    this.forgetSavedChanges();
    notePart(this, chosenBy(options.where, QueryHelper.mergePropertyFilters(this.property.filters, options.filters)));
    await super.init(this.asksForFilters(options, current?.scope) ? { ...options, dataloader: false } : options);
    if (current && !this.isDirty()) {
      this.wasReadUnder(current.scope);
    }
    return this;
  }

  override async loadCount(options: any = {}): Promise<number> {
    const given = this.withOwnFilters(typeof options === 'boolean' ? { refresh: options } : options);
    const current = this.currentScope(given.filters);
    if (!current) {
      return super.loadCount(given);
    }
    const { installation, scope } = current;
    // The links of a deleted row are no links to a member, but the question here is what the row itself is linked to.
    const counted = installation.catalog.find(this.property.targetMeta as EntityMetadata);
    if (
      scope === 'active' &&
      counted &&
      this.property.kind === ReferenceKind.MANY_TO_MANY &&
      this.hasDeletedOwner(installation)
    ) {
      const showing = showsEvery(this.property as EntityProperty, SOFT_DELETE_FILTER);
      const where = { ...given.where, ...(showing ? {} : activePredicate(counted.property)) };
      return installation.scope.run('with', () => super.loadCount({ ...given, where, dataloader: false }));
    }
    // A count that is asked for with a condition is neither taken from the collection nor kept there.
    return scope === 'active' && !this.isOutOfScope('active', installation)
      ? super.loadCount(given)
      : super.loadCount({ ...given, where: given.where ?? {} });
  }

  override async matching(options: any): Promise<any> {
    const given = this.withOwnFilters(options);
    // The ORM writes into the condition.
    const part = chosenBy(options.where, given.filters);
    const items = await super.matching(given);
    if (options.store) {
      chosen.add(this);
      notePart(this, options.limit == null && options.offset == null ? part : UNKNOWN_PART);
    }
    return items;
  }

  /** @internal */
  override hydrate(items: T[], forcePropagate?: boolean, partial?: boolean, readonly?: boolean): void {
    super.hydrate(items, forcePropagate, partial, readonly);
    const scope = reading.get(this) ?? this.currentScope(undefined)?.scope;
    if (scope) {
      this.wasReadUnder(scope);
    }
    if (readonly) {
      chosen.add(this);
      notePart(this, UNKNOWN_PART);
    }
  }

  /**
   * Lets go of a deleted row that came into memory by itself, with a reference to the owner: the ORM puts it into the collection
   * on the other side, whatever that was read under. One that is just being read is filled anew in any case.
   */
  leaveOut(entity: T): void {
    const showsDeleted = complete.has(this) || (reading.get(this) ?? 'active') !== 'active';
    const staysOut = !showsDeleted && !showsEvery(this.property as EntityProperty, SOFT_DELETE_FILTER);
    if (!staysOut || !this.isInitialized() || !this.contains(entity, false)) {
      return;
    }
    if (!this.hasUnsavedChanges()) {
      super.removeWithoutPropagation(entity);
      this.takeSnapshot();
    } else if (!this.getSnapshot()?.includes(entity)) {
      super.removeWithoutPropagation(entity);
    }
  }

  /** @internal */
  override addWithoutPropagation(entity: T): void {
    const wasDirty = this.isDirty();
    const { __managed: managed, __processing: hydrating } = helper(entity);
    // Of what comes from the database nobody has asked yet whether it belongs to the part.
    if (managed && hydrating && partOf(this)) {
      return;
    }
    super.addWithoutPropagation(entity);
    // What comes from the database is no change. The ORM takes it for one, and a changed collection is not read again.
    if (!wasDirty && managed && hydrating && this.property.kind === ReferenceKind.ONE_TO_MANY) {
      this.takeSnapshot();
    }
  }

  /** @internal */
  override removeWithoutPropagation(entity: T): void {
    complete.delete(this);
    if (this.contains(entity, false)) {
      noteDeparture(this, entity);
    }
    super.removeWithoutPropagation(entity);
  }

  /**
   * The same for many at once. The ORM numbers what remains anew for each one that leaves, which takes the square of their number, so
   * what remains is put into the emptied collection. One with unsaved changes keeps what these are compared with, and one that holds a
   * chosen part refuses to be emptied.
   */
  removeManyWithoutPropagation(entities: readonly T[]): void {
    if (entities.length === 1 || this.isDirty() || this.holdsPart) {
      entities.forEach((entity) => this.removeWithoutPropagation(entity));
      return;
    }
    complete.delete(this);
    const leaving = new Set(entities);
    const remaining = this.getItems(false).filter((item) => !leaving.has(item));
    super.hydrate([], false, this.isPartial());
    remaining.forEach((item) => super.addWithoutPropagation(item));
  }

  /** The ORM's dataloader of many-to-many relations goes by the scope of deleted rows and by no filters but the default ones. */
  private asksForFilters(options: { filters?: FilterOptions }, scope: DeletedScope | undefined): boolean {
    const { kind } = this.property;
    const differs = scope === 'only' || options.filters !== undefined || showsEvery(this.property, SOFT_DELETE_FILTER);
    return kind === ReferenceKind.MANY_TO_MANY && differs;
  }

  /**
   * The options with the filters of the relation, as the ORM's `init()` has them. It leaves them out where it counts or matches, and
   * so takes the members for what is asked for: those of a relation that shows every row would be hidden, and in the scope of deleted
   * rows the active ones.
   */
  private withOwnFilters<Options extends { filters?: FilterOptions }>(options: Options): Options {
    const filters = QueryHelper.mergePropertyFilters(this.property.filters, options.filters);
    return filters === undefined ? options : { ...options, filters };
  }

  /** Whether the next flush has something to write for the collection. */
  private hasUnsavedChanges(): boolean {
    this.forgetSavedChanges();
    return this.isDirty();
  }

  /**
   * The ORM leaves a one-to-many collection marked as changed after it has written the keys of what joined and left, so these are
   * asked; once they agree, the mark is taken off.
   */
  private forgetSavedChanges(): void {
    const snapshot = this.getSnapshot();
    if (!this.isDirty() || this.property.kind !== ReferenceKind.ONE_TO_MANY || !snapshot) {
      return;
    }
    const left = snapshot.filter((item) => !this.contains(item, false));
    const changed =
      this.getItems(false).some((item) => !this.isSavedMember(item)) ||
      left.some((item) => this.isSavedMember(item) && !this.isDeletedMember(item));
    if (!changed) {
      this.takeSnapshot();
    }
  }

  /** Whether the row of an entity points at the owner, as far as memory knows. */
  private isSavedMember(item: T): boolean {
    const saved = helper(item).__originalEntityData as Record<string, unknown> | undefined;
    const key = saved?.[this.property.mappedBy as string];
    const parts = [key].flat(5).map((part) => (part instanceof Date ? String(part) : part));
    return key != null && Utils.getPrimaryKeyHash(parts as string[]) === helper(this.owner).getSerializedPrimaryKey();
  }

  private isDeletedMember(item: T): boolean {
    const em = helper(item).__em ?? helper(this.owner).__em;
    const entry = em && findInstallation(em)?.catalog.find(this.property.targetMeta!);
    return entry !== undefined && (item as Record<string, unknown>)[entry.property] != null;
  }

  private hasDeletedOwner({ catalog }: Installation): boolean {
    const entry = catalog.find(metadataOf(catalog, this.owner));
    return entry !== undefined && (this.owner as Record<string, unknown>)[entry.property] != null;
  }

  private currentScope(filters: FilterOptions | undefined) {
    const em = helper(this.owner).__em;
    const installation = em && findInstallation(em);
    return installation && { installation, scope: readScope(installation, filters) };
  }
}

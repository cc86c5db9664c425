import { helper, OptimisticLockError, Reference, UniqueConstraintViolationException, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, RestoreConflictError, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ALL_KINDS, COLLECTIONS, type CollectionSpec, type Kind, KINDS } from './kinds.js';
import type { Model } from './model.js';
import { lives } from './neighbours.js';
import { noPending, type Outcome, type Pending, type Row, type Scope } from './row.js';
import {
  Box,
  Cover,
  Doc,
  Entry,
  Folder,
  Item,
  Lease,
  Mark,
  Member,
  Note,
  Review,
  Shelf,
  Tag,
  Team,
} from './model-entities.js';
import type { Key, Rows } from './rows.js';
import { canonical, TYPED } from './typed.js';

export const CLASSES: Readonly<Record<Kind, new () => any>> = {
  folder: Folder,
  doc: Doc,
  review: Review,
  lease: Lease,
  mark: Mark,
  note: Note,
  entry: Entry,
  shelf: Shelf,
  box: Box,
  item: Item,
  cover: Cover,
  tag: Tag,
  team: Team,
  member: Member,
};

/** An entity manager, what it has not flushed yet, and what it cannot know because another one has changed it. */
export class Manager {
  pending: Pending = noPending();
  readonly created = new Map<number, any>();
  /** What a subscriber removes during the next flush, and where. */
  readonly late = new Map<object, 'beforeFlush' | 'onFlush'>();
  /** Whether a collection was replaced without being loaded: the ORM tries that again after a flush that failed. */
  replacedUnloaded = false;
  /** Whether another manager has committed since this one was last empty. */
  foreign = false;
  /** Rows that another manager has changed since this one was last empty. */
  readonly stale = new Set<number>();
  /** The collections that this manager has loaded and that hold what the scope showed. */
  readonly collections = new Map<string, Scope>();

  /**
   * Rows whose reference was set to `null` in an ORM that reads `undefined`: it writes them once more when it has read them again, if
   * anything is flushed.
   */
  readonly nulled = new Set<number>();

  constructor(
    public em: EntityManager,
    private readonly model: Model,
    private readonly rows: Rows,
  ) {}

  get readsUndefined(): boolean {
    return this.em.config.get('forceUndefined');
  }

  /** To be called before rows are compared. */
  expectRewrites(): void {
    for (const row of [...this.nulled].flatMap((handle) => this.model.rows.get(handle) ?? [])) {
      row.touched = undefined;
    }
  }

  get dirty(): boolean {
    return Object.values(this.pending).some(({ size }) => size > 0);
  }

  clear(): void {
    // Its own, even while another manager's transaction is the context.
    this.em.getUnitOfWork(false).clear();
    this.pending = noPending();
    this.replacedUnloaded = false;
    this.created.clear();
    this.late.clear();
    this.foreign = false;
    this.stale.clear();
    this.collections.clear();
    this.nulled.clear();
  }

  /** Called when what was pending is in the database. */
  flushed(): void {
    this.pending = noPending();
    this.replacedUnloaded = false;
    this.created.clear();
    this.late.clear();
  }

  repository(kind: Kind): SoftDeleteRepository<any> {
    return this.em.getRepository<any>(CLASSES[kind]) as unknown as SoftDeleteRepository<any>;
  }

  managed(row: Row): any {
    const id = this.rows.ids.get(row.handle);
    return id === undefined ? undefined : this.em.getUnitOfWork().getById<any>(CLASSES[row.kind], id as never);
  }

  /** Whether this manager remembers a row as deleted that another one has restored. */
  missedRestoration(row: Row): boolean {
    return row.unit === null && this.managed(row)?.deletedAt != null;
  }

  reference(row: Row): any {
    return (
      this.created.get(row.handle) ??
      this.em.getReference<any>(CLASSES[row.kind], this.rows.ids.get(row.handle) as never)
    );
  }

  /** The entity with what its row holds now, apart from what this manager has changed itself. */
  async load(row: Row, populate: string[] = [], deletedToo = false): Promise<any> {
    const created = this.created.get(row.handle);
    if (created) {
      return created;
    }
    const id = this.rows.ids.get(row.handle);
    const related = new Set([row.handle, ...populate.flatMap((name) => this.#behind(row, name))]);
    const untouched = [...related].every(
      (handle) => !this.pending.sets.has(handle) && !this.pending.removes.has(handle),
    );
    const find = (options: object) => this.em.findOneOrFail<any>(CLASSES[row.kind], { id } as never, options as never);
    const entity = await find({ filters: { softDelete: false }, refresh: untouched });
    if (populate.length > 0) {
      const filters = deletedToo ? { softDelete: false } : undefined;
      populate.forEach((name) => this.collections.delete(`${row.handle}.${name}`));
      await this.em.populate(
        [entity],
        populate as never,
        { refresh: untouched, ...(filters ? { filters } : {}) } as never,
      );
      related.forEach((handle) => this.#noteTakenBack(handle));
    }
    return entity;
  }

  /**
   * Whoever reads a removed entity into a collection takes its removal back (`Collection.add()` calls `UnitOfWork.persist()`, without
   * soft deletion too): what was changed in it is saved again, and it goes with what is in front of it at most.
   */
  #noteTakenBack(handle: number): void {
    const entity = this.pending.removes.has(handle) && this.managed(this.model.row(handle));
    const uow = this.em.getUnitOfWork();
    if (entity && !uow.getRemoveStack().has(entity) && !uow.getOrphanRemoveStack().has(entity)) {
      this.pending.removes.delete(handle);
    }
  }

  #behind(row: Row, name: string): number[] {
    const relations = ALL_KINDS.flatMap((child) =>
      Object.entries(KINDS[child].refs).map(([property, spec]) => ({ child, property, spec })),
    );
    const relation = relations.find(
      ({ spec }) => spec.to === row.kind && spec.inverses.some((inverse) => inverse.name === name),
    );
    return relation ? this.model.behind(row.handle, relation).map(({ handle }) => handle) : [];
  }

  /** Documents among the pending changes whose version in memory is not the row's any more. */
  staleVersions(): Set<number> {
    const stale = new Set<number>();
    for (const handle of [...this.pending.sets.keys(), ...this.pending.removes]) {
      const row = this.model.rows.get(handle);
      const entity = row?.kind === 'doc' ? this.managed(row) : undefined;
      const active = !this.pending.removes.has(handle) || entity?.deletedAt == null;
      if (entity && helper(entity).__initialized && active && entity.version !== this.rows.versions.get(handle)) {
        stale.add(handle);
      }
    }
    return stale;
  }

  /** What is in memory must be what is in the database, apart from what only another manager knows. */
  checkMemory(): void {
    for (const entity of this.em.getUnitOfWork().getIdentityMap() as Iterable<any>) {
      const kind = ALL_KINDS.find((candidate) => CLASSES[candidate] === entity.constructor);
      const handle = kind && this.rows.handle(kind, entity.id);
      const row = handle === undefined ? undefined : this.model.rows.get(handle);
      if (!row || this.stale.has(row.handle) || !helper(entity).__initialized || isBareReference(row, entity)) {
        continue;
      }
      const fail = (what: string, actual: unknown, expected: unknown): never => {
        throw new Error(
          `memory, ${what} of ${row.kind}#${row.handle}: ${String(actual)} instead of ${String(expected)}`,
        );
      };
      if (KINDS[row.kind].soft && (entity.deletedAt != null) !== (row.unit !== null)) {
        fail('deletedAt', entity.deletedAt, row.unit === null ? 'null' : 'a time');
      }
      if (row.kind === 'doc' && entity.version !== this.rows.versions.get(row.handle)) {
        fail('version', entity.version, this.rows.versions.get(row.handle));
      }
      for (const [property, { to }] of Object.entries(KINDS[row.kind].refs)) {
        const target = Reference.unwrapReference(entity[property] as object) as { id: Key } | null | undefined;
        const actual = target == null ? null : this.rows.handle(to, target.id);
        if (actual !== row.refs[property]) {
          fail(property, actual, row.refs[property]);
        }
      }
      for (const [property, n] of Object.entries(row.typed)) {
        const spec = TYPED[property]!;
        const value = entity[property] == null ? null : spec.plain(entity[property]);
        const wanted = n === null ? null : spec.plain(spec.make(n));
        if (canonical(value) !== canonical(wanted)) {
          fail(property, canonical(value), canonical(wanted));
        }
      }
      this.#checkCollections(row, entity, fail);
    }
  }

  #checkCollections(row: Row, entity: any, fail: (what: string, actual: unknown, expected: unknown) => never): void {
    for (const collection of COLLECTIONS) {
      const { name, parent } = collection;
      const scope = this.collections.get(`${row.handle}.${name}`);
      if (parent !== row.kind || scope !== 'active' || !entity[name].isInitialized()) {
        continue;
      }
      const expected = this.model.behind(row.handle, collection, 'active').map(({ handle }) => handle);
      const neighbours = takesInNeighbours(collection, entity)
        ? this.model
            .behind(row.handle, { child: collection.child, property: collection.property }, 'active')
            .map(({ handle }) => handle)
        : [];
      const actual = handles(entity[name].getItems()).filter(
        (handle) => expected.includes(handle) || !neighbours.includes(handle),
      );
      // What was restored shows at the next read: the collection may be waiting for it, but never holds anything else.
      if (!sameHandles(actual, expected)) {
        fail(name, actual, expected);
      }
    }
  }
}

/**
 * The ORM takes the key in a reference to the other side of a one-to-one relation for changed if it is of a custom type
 * (`propagateOneToOne`): the next flush writes it once more, and then calls the reference loaded, of which nothing was read.
 */
function isBareReference(row: Row, entity: any): boolean {
  return row.kind === 'cover' && lives('custom-keys') && entity.handle === undefined;
}

/**
 * Whether a loaded collection with a condition takes in whatever else is read over its key. The ORM keeps that out of collections that
 * hold a part (`EntityHelper.propagate`), but what a join has filled it takes for whole (`ObjectHydrator`), without soft deletion too.
 */
export function takesInNeighbours({ name, state }: CollectionSpec, entity: any): boolean {
  return state !== undefined && Boolean(entity[name]?.isInitialized()) && !entity[name].isPartial();
}

export function handles(items: Iterable<any>): number[] {
  return [...items].map(({ handle }) => handle as number).toSorted((a, b) => a - b);
}

export function sameHandles(actual: readonly number[], expected: readonly number[]): boolean {
  return Utils.equals(
    [...actual],
    expected.toSorted((a, b) => a - b),
  );
}

/** What an error means to the model; anything it has no word for is a failure. */
export function outcomeOf(error: unknown): Outcome | undefined {
  if (error instanceof DeletionRestrictedError) {
    return 'restricted';
  }
  if (error instanceof RestoreConflictError) {
    return 'conflict';
  }
  if (error instanceof UniqueConstraintViolationException) {
    return 'unique';
  }
  return error instanceof OptimisticLockError ? 'optimistic' : undefined;
}

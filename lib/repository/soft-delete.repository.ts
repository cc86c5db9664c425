import {
  type DeleteOptions,
  type EntityData,
  type EntityName,
  type FilterQuery,
  type RequiredEntityData,
  type UpdateOptions,
  type UpsertManyOptions,
  type UpsertOptions,
} from '@mikro-orm/core';
import { type EntityManager, EntityRepository, type QueryBuilder } from '@mikro-orm/postgresql';
import { isDetached } from '../archive/reading/detached-rows.js';
import { type DeletionTarget, resolveTarget } from '../deletion/deletion-target.js';
import { hardDeleteRows, previewHardDeletion } from '../deletion/hard-delete-rows.js';
import {
  previewRestoration,
  type RestoreOptions,
  type RestorePreview,
  type RestoreResult,
  restoreRows,
} from '../deletion/restoration/restore-rows.js';
import {
  type DeletionOptions,
  type DeletionPreview,
  type DeletionResult,
  previewSoftDeletion,
  softDeleteRows,
} from '../deletion/soft-delete-rows.js';
import { ArchivedScopeError } from '../errors/archived-scope.error.js';
import { ScopedQueryBuilder } from '../orm/scoped-query-builder.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import { getInstallation } from '../installation/installation.js';
import { requireScope } from '../installation/require-scope.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { ArchivedReads } from './archived-reads.js';
import { findUntouched } from './find-untouched.js';
import { ScopedReads, type SoftDeleteReadView } from './read-view.js';
import { isDeletedRow, refuseDeletedRows, refusePassedOver, whereWritten } from './refuse-deleted-rows.js';
import { check, upsertTarget, type UpsertTarget } from './upsert-target.js';
import { restoreOrCreate } from './restore-or-create.js';

/**
 * A MikroORM repository that hides deleted rows unless you ask for them, and soft-deletes, restores and removes rows.
 *
 * Inject it with `@InjectSoftDeleteRepository(User)`, or extend it and name the class as the entity's `repository`.
 *
 * @publicApi
 */
export class SoftDeleteRepository<Entity extends object> extends EntityRepository<Entity> {
  /** @throws NotSoftDeletableError if the entity is not marked with `@SoftDeletable()` */
  constructor(em: EntityManager, entityName: EntityName<Entity>) {
    super(em, entityName);
    SoftDeleteCatalog.of(em).getMarked(entityName);
  }

  /** Returns a view that reads active and deleted rows. Relations populated through it show deleted rows too. */
  withDeleted(): SoftDeleteReadView<Entity> {
    return this.scope('with');
  }

  /** Returns a view that reads deleted rows only. Relations populated through it show active and deleted rows. */
  onlyDeleted(): SoftDeleteReadView<Entity> {
    return this.scope('only');
  }

  /**
   * Returns the view of a scope that you have as a value. `'active'` reads like the repository outside of any scope.
   *
   * @throws SoftDeleteConfigError if there is no such scope
   * @throws ArchivedScopeError if deleted rows of the entity are archived: read them with `onlyDeleted()`
   */
  scope(scope: DeletedScope): SoftDeleteReadView<Entity> {
    requireScope('scope()', scope);
    const archived = getInstallation(this.em).catalog.findArchived(this.entityName);
    if (archived && scope === 'with') {
      throw new ArchivedScopeError(archived.name, "withDeleted(), or scope('with'),");
    }
    if (archived && scope === 'only') {
      return new ArchivedReads(this.em as EntityManager, this.entityName) as unknown as SoftDeleteReadView<Entity>;
    }
    return new ScopedReads(this.em as EntityManager, this.entityName, scope) as unknown as SoftDeleteReadView<Entity>;
  }

  /**
   * Returns a query builder over the rows that the current scope shows. Joins to the many side of a relation show the same rows; joins
   * along a reference also find deleted rows, as everywhere.
   */
  override createQueryBuilder<RootAlias extends string = never>(alias?: RootAlias): QueryBuilder<Entity, RootAlias> {
    const { scope } = getInstallation(this.em);
    const current = scope.getStore() ?? 'active';
    return ScopedQueryBuilder.adopt(super.createQueryBuilder(alias), current, current) as unknown as QueryBuilder<
      Entity,
      RootAlias
    >;
  }

  /**
   * Deletes the active rows that match, and everything their deletion cascades to, as one unit. Loads no entities: runs one UPDATE per
   * entity and level, in the surrounding transaction or a new one. Rows that are already deleted keep their time.
   *
   * With `dryRun: true` it returns what would happen: it runs the same statements and rolls them back. Nothing is written or refused,
   * managed entities and events do not notice, and unsaved changes of the entity manager are not flushed before.
   *
   * @throws DeletionRestrictedError if a relation declared `'restrict'` has active rows; nothing is changed then
   * @throws SoftDeleteConfigError if a key or a value of the condition is `undefined`
   */
  softDelete(target: DeletionTarget<Entity>, options: DeletionOptions & { dryRun: true }): Promise<DeletionPreview>;
  softDelete(target: DeletionTarget<Entity>, options?: DeletionOptions & { dryRun?: false }): Promise<DeletionResult>;
  softDelete(target: DeletionTarget<Entity>, options?: DeletionOptions): Promise<DeletionResult | DeletionPreview>;
  async softDelete(
    target: DeletionTarget<Entity>,
    options?: DeletionOptions,
  ): Promise<DeletionResult | DeletionPreview> {
    const em = contextOf(this);
    const meta = em.getMetadata(this.entityName);
    const where = resolveTarget('softDelete', em, meta, target);
    return options?.dryRun ? previewSoftDeletion(em, meta, where, options) : softDeleteRows(em, meta, where, options);
  }

  /**
   * Restores deleted rows and the rows below them that were deleted with them. Rows that had been deleted before stay deleted. Active rows
   * stay as they are.
   *
   * With `dryRun: true` it returns what would happen, like `softDelete()`, with every conflict.
   *
   * @throws RestoreConflictError if an active row has the same unique value, or the parent of a row is deleted; nothing is changed then,
   * neither in the database nor in memory
   */
  restore(target: DeletionTarget<Entity>, options: RestoreOptions & { dryRun: true }): Promise<RestorePreview>;
  restore(target: DeletionTarget<Entity>, options?: RestoreOptions & { dryRun?: false }): Promise<RestoreResult>;
  restore(target: DeletionTarget<Entity>, options?: RestoreOptions): Promise<RestoreResult | RestorePreview>;
  async restore(target: DeletionTarget<Entity>, options?: RestoreOptions): Promise<RestoreResult | RestorePreview> {
    const em = contextOf(this);
    const meta = em.getMetadata(this.entityName);
    const where = resolveTarget('restore', em, meta, target);
    return options?.dryRun ? previewRestoration(em, meta, where, options) : restoreRows(em, meta, where, options);
  }

  /**
   * Removes rows physically, deleted or not, with everything in their `cascade` relations, children first.
   *
   * With `dryRun: true` it returns what would happen, like `softDelete()`, with everything that still references the rows.
   *
   * @returns how many rows were removed, those of relations included
   * @throws DeletionRestrictedError if any other row still references one of them; nothing is removed then
   * @throws LegalHoldError if a legal hold covers one of them; nothing is removed then
   */
  hardDelete(target: DeletionTarget<Entity>, options: DeletionOptions & { dryRun: true }): Promise<DeletionPreview>;
  hardDelete(target: DeletionTarget<Entity>, options?: DeletionOptions & { dryRun?: false }): Promise<number>;
  hardDelete(target: DeletionTarget<Entity>, options?: DeletionOptions): Promise<number | DeletionPreview>;
  async hardDelete(target: DeletionTarget<Entity>, options?: DeletionOptions): Promise<number | DeletionPreview> {
    const em = contextOf(this);
    const meta = em.getMetadata(this.entityName);
    const where = resolveTarget('hardDelete', em, meta, target);
    return options?.dryRun ? previewHardDeletion(em, meta, where, options) : hardDeleteRows(em, meta, where, options);
  }

  /**
   * Returns the active row that matches; else the row deleted last, restored with its unit; else a new row, flushed, with the values that
   * the condition compares for equality and those of `data`, which win. Racing callers get the same row, however they write the condition.
   * Joins the surrounding transaction or opens one, and needs no second connection.
   *
   * @throws SoftDeleteConfigError if a value of the condition is `undefined`
   */
  async restoreOrCreate(
    where: FilterQuery<Entity>,
    data: RequiredEntityData<Entity>,
  ): Promise<{ entity: Entity; restored: boolean }> {
    return restoreOrCreate(this.em as EntityManager, this.entityName, where, data);
  }

  /** Soft-deletes the active rows that match, like `softDelete()`. @returns how many rows of this entity were deleted */
  override async nativeDelete(where: FilterQuery<Entity>, options: DeleteOptions<Entity> = {}): Promise<number> {
    const { filters } = options;
    const { affected } = await this.softDelete(where, filters === undefined ? {} : { filters });
    return affected[getInstallation(this.em).catalog.getMarked(this.entityName).name] ?? 0;
  }

  /** Updates the active rows that match. */
  override async nativeUpdate(
    where: FilterQuery<Entity>,
    data: EntityData<Entity>,
    options?: UpdateOptions<Entity>,
  ): Promise<number> {
    return super.nativeUpdate(where, data, options);
  }

  /**
   * Inserts a row or updates the active row with the same key or the same value of an `@ActiveUnique()`. It ignores deleted rows with the
   * same value.
   *
   * @throws DeletedRowError if the key, or a value that is unique among deleted rows as well, belongs to a deleted row
   */
  override async upsert<Fields extends string = any>(
    entityOrData: EntityData<Entity> | Entity,
    options: UpsertOptions<Entity, Fields> = {},
  ): Promise<Entity> {
    const [entity] = await upsertChecked(this, this.entityName, [entityOrData], options, async ([given], conflict) => [
      await super.upsert(given!, check({ ...options, ...conflict }) as UpsertOptions<Entity, Fields>),
    ]);
    return entity!;
  }

  /**
   * Like `upsert()`, for many rows in one statement. The first one decides by which key or value conflicts are resolved.
   *
   * @throws DeletedRowError like `upsert()`
   */
  override async upsertMany<Fields extends string = any>(
    entitiesOrData: EntityData<Entity>[] | Entity[],
    options: UpsertManyOptions<Entity, Fields> = {},
  ): Promise<Entity[]> {
    return upsertChecked(this, this.entityName, entitiesOrData, options, (given, conflict) =>
      super.upsertMany(given as Entity[], check({ ...options, ...conflict }) as UpsertManyOptions<Entity, Fields>),
    );
  }

  /** Whether the entity is deleted, according to memory. Does not query the database. */
  isDeleted(entity: Entity): boolean {
    const { catalog } = getInstallation(this.em);
    if (catalog.findArchived(this.entityName)) {
      return isDetached(entity);
    }
    const { property } = catalog.get(this.entityName);
    return (entity as Record<string, unknown>)[property] != null;
  }
}

// The helpers are functions, since a repository that changed its class has no private members (see provideRepositories()), and
// names of any other kind could be those of an application's repository.

async function upsertChecked<Entity extends object>(
  repository: SoftDeleteRepository<Entity>,
  entityName: EntityName<Entity>,
  rows: readonly (EntityData<Entity> | Entity)[],
  options: UpsertOptions<Entity, string>,
  write: (given: (EntityData<Entity> | Entity)[], conflict: UpsertTarget['options']) => Promise<Entity[]>,
): Promise<Entity[]> {
  const em = repository.getEntityManager() as EntityManager;
  const entry = SoftDeleteCatalog.of(em).find(entityName);
  if (!entry) {
    // Deleted rows are in the archive, and no conflict can be one with them.
    return write([...rows], {});
  }
  const target = upsertTarget(em, entry, (rows[0] ?? {}) as Record<string, unknown>, options as never);
  const reading = whereWritten(options);
  await refuseDeletedRows(entry.name, repository.onlyDeleted(), rows as object[], target.alsoDeleted, reading);
  const untouched = target.unique
    ? await findUntouched(repository.scope('active'), entry.property, rows as object[], target.unique, options, reading)
    : new Map<number, Entity>();
  const given = rows.filter((_, place) => !untouched.has(place));
  const asDeleted = new Set(given.flatMap((row, i) => (isDeletedRow(row, entry.property) ? [i] : [])));
  const written = given.length > 0 || rows.length === 0 ? await write(given, target.options) : [];
  const asActive = written.filter((_, i) => !asDeleted.has(i));
  await refusePassedOver(em, entry, asActive, repository.onlyDeleted(), reading);
  return rows.map((_, place) => untouched.get(place) ?? written.shift()!);
}

function contextOf(repository: Pick<SoftDeleteRepository<object>, 'getEntityManager'>): EntityManager {
  return repository.getEntityManager().getContext() as EntityManager;
}

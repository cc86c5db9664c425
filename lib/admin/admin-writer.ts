import type { EntityManager } from '@mikro-orm/postgresql';
import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { withDeletionContext } from '../events/with-deletion-context.js';
import { keyAsCondition } from '../sql/entity-key.js';
import { deletedPredicate } from '../metadata/active-predicate.js';
import type { PurgeReport } from '../purge/purge-report.js';
import type { PurgeRunOptions } from '../purge/purge-run-options.js';
import { AdminAccess } from './admin-access.js';
import type { AdminEntity } from './admin-entity.js';
import { AdminOrm } from './admin-orm.js';
import type { ConflictView, Outcome, RestrictionView } from './api/admin-responses.js';
import { describeConflicts } from './api/describe-conflicts.js';
import { ConfirmationMismatchError } from './api/confirmation-mismatch.error.js';

/** What the admin page does. @internal */
@Injectable()
export class AdminWriter {
  constructor(
    @Inject(AdminOrm) private readonly orm: AdminOrm,
    @Inject(AdminAccess) private readonly access: AdminAccess,
  ) {}

  async restore(
    entity: AdminEntity,
    keys: readonly unknown[],
    options: { withParents: boolean; reason?: string },
    context: ExecutionContext,
  ): Promise<Outcome> {
    if (options.withParents && this.access.isRestricted) {
      await this.#requireParents(entity, keys, context);
    }
    const repository = this.orm.repository(this.orm.fork(), entity);
    return repository.restore(anyOf(entity, keys), { ...options, ...this.access.actor(context) });
  }

  async previewRestore(
    entity: AdminEntity,
    keys: readonly unknown[],
    options: { withParents: boolean },
    context: ExecutionContext,
  ): Promise<Outcome & { conflicts: ConflictView[] }> {
    if (options.withParents && this.access.isRestricted) {
      await this.#requireParents(entity, keys, context);
    }
    const repository = this.orm.repository(this.orm.fork(), entity);
    const { affected, total, conflicts } = await repository.restore(anyOf(entity, keys), { ...options, dryRun: true });
    return { affected, total, conflicts: describeConflicts(this.orm.catalog, conflicts) };
  }

  /** Deletes softly again what was restored. */
  async delete(
    entity: AdminEntity,
    keys: readonly unknown[],
    why: { reason?: string },
    context: ExecutionContext,
  ): Promise<Outcome> {
    const repository = this.orm.repository(this.orm.fork(), entity);
    const { affected, total } = await repository.softDelete(anyOf(entity, keys), {
      ...why,
      ...this.access.actor(context),
    });
    return { affected, total };
  }

  /**
   * Removes deleted rows for good, if that is as many rows as the caller has been told.
   *
   * @throws ConfirmationMismatchError if it is another number
   */
  async remove(
    entity: AdminEntity,
    keys: readonly unknown[],
    { confirm, ...why }: { confirm: string; reason?: string },
    context: ExecutionContext,
  ): Promise<{ total: number }> {
    return this.orm.fork().transactional(async (em) => {
      const repository = this.orm.repository(em as EntityManager, entity);
      const total = await repository.hardDelete(deletedOf(entity, keys), { ...why, ...this.access.actor(context) });
      if (String(total) !== confirm) {
        throw new ConfirmationMismatchError(confirm, total);
      }
      return { total };
    });
  }

  async previewRemoval(
    entity: AdminEntity,
    keys: readonly unknown[],
  ): Promise<Outcome & { restrictions: readonly RestrictionView[] }> {
    const repository = this.orm.repository(this.orm.fork(), entity);
    const { affected, total, restrictions } = await repository.hardDelete(deletedOf(entity, keys), { dryRun: true });
    return { affected, total, restrictions };
  }

  async previewPurge(): Promise<PurgeReport> {
    return this.orm.purge.run({ dryRun: true, ...this.#purged() });
  }

  /** @throws ConfirmationMismatchError if it would remove another number of rows than the caller has been told */
  async purge(confirm: string, context: ExecutionContext): Promise<PurgeReport> {
    const { total } = await this.previewPurge();
    if (String(total) !== confirm) {
      throw new ConfirmationMismatchError(confirm, total);
    }
    return withDeletionContext(this.access.actor(context), () => this.orm.purge.run(this.#purged()));
  }

  /**
   * A parent is no part of what was deleted with a row, so that its restoration is another one to be allowed.
   *
   * @throws ForbiddenException if more comes back with parents than without, of an entity that the caller may not restore
   */
  async #requireParents(entity: AdminEntity, keys: readonly unknown[], context: ExecutionContext): Promise<void> {
    const repository = this.orm.repository(this.orm.fork(), entity);
    const preview = (withParents: boolean) => repository.restore(anyOf(entity, keys), { withParents, dryRun: true });
    const alone = (await preview(false)).affected;
    const both = (await preview(true)).affected;
    const more = Object.keys(both).filter((name) => both[name]! > (alone[name] ?? 0));
    await this.access.requireRestore(
      this.orm.catalog.allMarked().filter(({ name }) => more.includes(name)),
      context,
    );
  }

  /** Of a tenant, where the request is one's. */
  #purged(): PurgeRunOptions {
    const { schema } = this.orm.fork();
    return { entities: this.orm.entities.map(({ name }) => name), ...(schema === undefined ? {} : { schema }) };
  }
}

function anyOf({ meta }: AdminEntity, keys: readonly unknown[]): AnyCondition {
  const conditions = keys.map((key) => keyAsCondition(meta, key));
  return (conditions.length === 1 ? conditions[0] : { $or: conditions }) as AnyCondition;
}

function deletedOf(entity: AdminEntity, keys: readonly unknown[]): AnyCondition {
  return { $and: [anyOf(entity, keys), deletedPredicate(entity.entry.property)] } as AnyCondition;
}

import type { FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { keyAsCondition } from '../deletion/entity-key.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import { RestoreConflictError } from '../errors/restore-conflict.error.js';
import { deletedPredicate } from '../metadata/active-predicate.js';
import type { PurgeReport } from '../purge/purge-report.js';
import { AdminAccess } from './admin-access.js';
import type { AdminEntity } from './admin-entity.js';
import { AdminOrm } from './admin-orm.js';
import type { ConflictView, Outcome, RestrictionView } from './admin-responses.js';
import { describeConflicts } from './describe-conflicts.js';
import { ConfirmationMismatchError } from './confirmation-mismatch.error.js';
import { rehearse } from './rehearse.js';

/** What the admin page does. @internal */
@Injectable()
export class AdminWriter {
  constructor(
    @Inject(AdminOrm) private readonly orm: AdminOrm,
    @Inject(AdminAccess) private readonly access: AdminAccess,
  ) {}

  async restore(entity: AdminEntity, keys: readonly unknown[], options: { withParents?: boolean }): Promise<Outcome> {
    return this.#restore(this.orm.fork(), entity, keys, options);
  }

  async previewRestore(
    entity: AdminEntity,
    keys: readonly unknown[],
    options: { withParents?: boolean },
  ): Promise<Outcome & { conflicts: ConflictView[] }> {
    try {
      const outcome = await rehearse(this.orm.fork(), (em) => this.#restore(em, entity, keys, options));
      return { ...outcome, conflicts: [] };
    } catch (error) {
      if (error instanceof RestoreConflictError) {
        return { affected: {}, total: 0, conflicts: describeConflicts(this.orm.catalog, error.conflicts) };
      }
      throw error;
    }
  }

  /** Deletes softly again what was restored. */
  async delete(entity: AdminEntity, keys: readonly unknown[], context: ExecutionContext): Promise<Outcome> {
    const repository = this.orm.repository(this.orm.fork(), entity);
    const { affected, total } = await repository.softDelete(anyOf(entity, keys), this.access.actor(context));
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
    confirm: string,
    context: ExecutionContext,
  ): Promise<{ total: number }> {
    return this.orm.fork().transactional(async (em) => {
      const total = await this.#remove(em as EntityManager, entity, keys, this.access.actor(context));
      if (String(total) !== confirm) {
        throw new ConfirmationMismatchError(confirm, total);
      }
      return { total };
    });
  }

  async previewRemoval(
    entity: AdminEntity,
    keys: readonly unknown[],
  ): Promise<{ total: number; restrictions: readonly RestrictionView[] }> {
    try {
      const total = await rehearse(this.orm.fork(), (em) => this.#remove(em, entity, keys, {}));
      return { total, restrictions: [] };
    } catch (error) {
      if (error instanceof DeletionRestrictedError) {
        return { total: 0, restrictions: error.restrictions };
      }
      throw error;
    }
  }

  async previewPurge(): Promise<PurgeReport> {
    return this.orm.purge.run({ dryRun: true, entities: this.#names() });
  }

  /** @throws ConfirmationMismatchError if it would remove another number of rows than the caller has been told */
  async purge(confirm: string): Promise<PurgeReport> {
    const { total } = await this.previewPurge();
    if (String(total) !== confirm) {
      throw new ConfirmationMismatchError(confirm, total);
    }
    return this.orm.purge.run({ entities: this.#names() });
  }

  #names(): string[] {
    return this.orm.entities.map(({ name }) => name);
  }

  #restore(
    em: EntityManager,
    entity: AdminEntity,
    keys: readonly unknown[],
    { withParents = false }: { withParents?: boolean },
  ): Promise<Outcome> {
    return this.orm.repository(em, entity).restore(anyOf(entity, keys), { withParents });
  }

  #remove(
    em: EntityManager,
    entity: AdminEntity,
    keys: readonly unknown[],
    options: { actor?: string },
  ): Promise<number> {
    const deleted = { $and: [anyOf(entity, keys), deletedPredicate(entity.entry.property)] };
    return this.orm.repository(em, entity).hardDelete(deleted as FilterQuery<any>, options);
  }
}

function anyOf({ meta }: AdminEntity, keys: readonly unknown[]): FilterQuery<any> {
  const conditions = keys.map((key) => keyAsCondition(meta, key));
  return (conditions.length === 1 ? conditions[0] : { $or: conditions }) as FilterQuery<any>;
}

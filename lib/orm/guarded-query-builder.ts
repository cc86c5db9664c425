import type { EntityMetadata } from '@mikro-orm/core';
import { QueryBuilder, QueryType } from '@mikro-orm/postgresql';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { whileBuilding } from './chosen-part.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/**
 * A query builder of the application, which reads and writes as the ORM's does but deletes no soft-deletable rows: it cannot delete
 * what a deletion cascades to, nor tell memory.
 *
 * A query builder becomes one after the ORM has made it, so nothing here is a `#private` member: those come with a constructor. That it
 * is guarded is kept in the query's own state, where clones find it.
 *
 * @internal
 */
export class GuardedQueryBuilder extends QueryBuilder<any, any, any, any, any, any, any> {
  static guard<Builder extends QueryBuilder<any, any, any, any, any, any, any>>(qb: Builder): Builder {
    if (!(qb instanceof GuardedQueryBuilder)) {
      Object.setPrototypeOf(qb, GuardedQueryBuilder.prototype);
    }
    (qb as unknown as GuardedQueryBuilder).guardState.softDeleteGuarded = true;
    return qb;
  }

  override getNativeQuery(processVirtualEntity?: boolean): any {
    const meta = this.mainAlias.meta as EntityMetadata | undefined;
    const entry =
      this.type === QueryType.DELETE && this.guardState.softDeleteGuarded && meta && this.catalog.findMarked(meta);
    if (entry) {
      throw new PhysicalDeletionError(meta!.className, 'QueryBuilder.delete()');
    }
    return super.getNativeQuery(processVirtualEntity);
  }

  override async getResultList(limit?: number): Promise<any> {
    return whileBuilding(() => super.getResultList(limit));
  }

  override clone(reset?: any, preserve?: any): any {
    const cloned = super.clone(reset, preserve);
    return this.guardState.softDeleteGuarded ? GuardedQueryBuilder.guard(cloned) : cloned;
  }

  /** @internal */
  protected get catalog(): SoftDeleteCatalog {
    return SoftDeleteCatalog.of({ config: this.platform.getConfig(), getMetadata: () => this.metadata });
  }

  private get guardState(): { softDeleteGuarded?: boolean } {
    return this.state as { softDeleteGuarded?: boolean };
  }
}

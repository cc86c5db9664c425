import type { EntityMetadata } from '@mikro-orm/core';
import { type EntityManager, QueryBuilder, QueryType } from '@mikro-orm/postgresql';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { whileBuilding } from './chosen-part.js';
import { hasShownDeleted, showActive } from './show-active.js';
import { getInstallation } from '../installation/installation.js';
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
      this.type === QueryType.DELETE && this.guardState.softDeleteGuarded && meta && this.catalog.find(meta);
    if (entry) {
      throw new PhysicalDeletionError(meta!.className, 'QueryBuilder.delete()');
    }
    return super.getNativeQuery(processVirtualEntity);
  }

  override async getResultList(limit?: number): Promise<any> {
    return this.handOut(await whileBuilding(() => super.getResultList(limit)));
  }

  override async *stream(options?: any): any {
    const rows = super.stream(options);
    try {
      for (;;) {
        const { done, value } = await whileBuilding(() => rows.next());
        if (done) {
          return;
        }
        yield this.handOut([value])[0];
      }
    } finally {
      await rows.return?.(undefined as never);
    }
  }

  override clone(reset?: any, preserve?: any): any {
    const cloned = super.clone(reset, preserve);
    return this.guardState.softDeleteGuarded ? GuardedQueryBuilder.guard(cloned) : cloned;
  }

  /** @internal */
  protected get catalog(): SoftDeleteCatalog {
    return SoftDeleteCatalog.of({ config: this.platform.getConfig(), getMetadata: () => this.metadata });
  }

  /** Whether the loaded relations of what is handed out may show deleted rows: those that it joins are what it asks for. */
  protected get showsDeleted(): boolean {
    return (getInstallation(this.em!).scope.getStore() ?? 'active') !== 'active' || this.state.populate.length > 0;
  }

  private handOut<Rows extends readonly unknown[]>(rows: Rows): Rows {
    // The driver maps nothing: whoever asked it does.
    if (!this.em) {
      return rows;
    }
    const em = (this.em as EntityManager).getContext(false) as EntityManager;
    const entry = this.mainAlias.meta && this.catalog.find(this.mainAlias.meta as EntityMetadata);
    const showsDeleted = this.showsDeleted;
    if (showsDeleted || (entry && rows.some((row) => (row as Record<string, unknown>)[entry.property] != null))) {
      hasShownDeleted(em);
    }
    if (!showsDeleted) {
      showActive(em, rows, getInstallation(em));
    }
    return rows;
  }

  private get guardState(): { softDeleteGuarded?: boolean } {
    return this.state as { softDeleteGuarded?: boolean };
  }
}

import { type EntityMetadata, QueryFlag, ReferenceKind } from '@mikro-orm/core';
import { type EntityManager, QueryBuilder, QueryType } from '@mikro-orm/postgresql';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { whileBuilding } from './loading/chosen-part.js';
import { hooksOf } from './hook-into-driver.js';
import { hasShownDeleted, showActive } from './loading/show-active.js';
import { getInstallation } from '../installation/installation.js';
import { mappedTables } from '../metadata/mapped-tables.js';
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
    if (this.guardState.softDeleteGuarded && meta) {
      if (this.type === QueryType.DELETE && this.catalog.findMarked(meta)) {
        throw new PhysicalDeletionError(meta.className, 'QueryBuilder.delete()');
      }
      const emptied = this.type === QueryType.TRUNCATE && softDeletableWith(meta, this.catalog);
      if (emptied) {
        throw new PhysicalDeletionError(emptied.className, `QueryBuilder.truncate() of ${meta.className}`);
      }
    }
    return super.getNativeQuery(processVirtualEntity);
  }

  override async execute(...args: any[]): Promise<any> {
    const meta = this.mainAlias.meta as EntityMetadata | undefined;
    // With a condition on a relation it is a query for keys, until it is finalised (`where()` in `QueryBuilder.js`).
    const deletes = this.type === QueryType.DELETE || this.hasFlag(QueryFlag.DELETE_SUB_QUERY);
    if (deletes && this.guardState.softDeleteGuarded && meta && !this.catalog.findMarked(meta)) {
      const em = (this.em as EntityManager).getContext(false) as EntityManager;
      const keys = this.clone().unsetFlag(QueryFlag.DELETE_SUB_QUERY).select(meta.primaryKeys).toQuery();
      await hooksOf(em)?.beforeBuiltDelete(meta, keys, em, this.context);
    }
    return super.execute(...args);
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

/** The first soft-deletable entity that is emptied with a table: `truncate … cascade` follows every foreign key, whatever its rule. */
function softDeletableWith(meta: EntityMetadata, catalog: SoftDeleteCatalog): EntityMetadata | undefined {
  const tables = mappedTables(catalog.getMetadata());
  const emptied = new Set([meta.root]);
  for (const target of emptied) {
    if (catalog.findMarked(target)) {
      return target;
    }
    tables
      .filter(({ relations }) =>
        relations.some(
          (prop) =>
            (prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner)) &&
            prop.createForeignKeyConstraint !== false &&
            prop.targetMeta?.root === target,
        ),
      )
      .forEach(({ root }) => emptied.add(root));
  }
  return undefined;
}

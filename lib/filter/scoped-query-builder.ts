import { type EntityMetadata, type EntityProperty, ReferenceKind, Utils } from '@mikro-orm/core';
import { QueryBuilder, QueryType } from '@mikro-orm/postgresql';
import { activePredicate, type DeletedScope, scopePredicate } from '../metadata/active-predicate.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { showsEvery } from './relation-filters.js';
import { SOFT_DELETE_FILTER } from './filter-name.js';

interface Join {
  readonly prop: EntityProperty;
  readonly alias: string;
  /** Of a pivot table: the alias of the table behind it, and the columns that point there. */
  readonly inverseAlias?: string;
  readonly inverseJoinColumns?: readonly string[];
  cond: Record<string, unknown>;
  /** Made to load a relation, not to ask about it: the ORM filters it. */
  loads?: boolean;
}

/** What is kept in the query's own state, where clones find it. */
interface ScopeState {
  /** The scope of the rows asked for, until it has become a condition. */
  softDeleteRoot?: DeletedScope;
  readonly joins: Record<string, Join>;
  readonly resolvedPopulateWhere?: string;
}

/**
 * A query in which deleted rows are no members of any relation: every join to the many side, or to the other side of a one-to-one
 * relation, carries the predicate of active rows. The ORM's own filters reach such a join only where a condition names one of the
 * target's columns and goes through a one-to-many relation. On the join, rather than in the condition, it means the same in every
 * negation: a deleted row behaves as one that is not there.
 *
 * `$some`, `$none`, `$every` and `$size` are joins of sub-queries, which the ORM clones from this one.
 *
 * A query builder becomes one after the ORM has made it, so nothing here is a `#private` member: those come with a constructor.
 *
 * @internal
 */
export class ScopedQueryBuilder extends QueryBuilder<any, any, any, any, any, any, any> {
  /** Makes a query builder of the ORM a scoped one. @param root - also restricts the rows that are asked for */
  static adopt(qb: QueryBuilder<any, any, any>, root?: DeletedScope): ScopedQueryBuilder {
    const scoped = Object.setPrototypeOf(qb, ScopedQueryBuilder.prototype) as ScopedQueryBuilder;
    scoped.scopeState.softDeleteRoot = root;
    return scoped;
  }

  private get scopeState(): ScopeState {
    return this.state as unknown as ScopeState;
  }

  override join(...args: any[]): any {
    const [, alias, cond, , path] = args;
    (super.join as (...all: any[]) => unknown)(...args);
    // A join that a condition needs comes with its path and no condition, one that an application writes with no path.
    if (path !== undefined && cond !== undefined) {
      for (const join of Object.values(this.scopeState.joins)) {
        join.loads ||= join.alias === alias || join.inverseAlias === alias;
      }
    }
    return this;
  }

  override getNativeQuery(processVirtualEntity?: boolean): any {
    if (!this.state.finalized && this.type !== QueryType.INSERT && this.type !== QueryType.TRUNCATE) {
      this.restrictRoot();
      this.restrictMembers();
    }
    return super.getNativeQuery(processVirtualEntity);
  }

  override clone(reset?: any, preserve?: any): any {
    const root = this.scopeState.softDeleteRoot;
    return ScopedQueryBuilder.adopt(super.clone(reset, preserve), reset === true ? undefined : root);
  }

  private restrictRoot(): void {
    const root = this.scopeState.softDeleteRoot;
    const meta = this.mainAlias.meta as EntityMetadata | undefined;
    const entry = meta && this.catalog.find(meta);
    if (root && entry && !this.mainAlias.subQuery) {
      this.scopeState.softDeleteRoot = undefined;
      this.andWhere(scopePredicate(root, entry.property) as never);
    }
  }

  private restrictMembers(): void {
    const shared = this.scopeState.resolvedPopulateWhere === 'infer';
    for (const join of Object.values(this.scopeState.joins)) {
      const { prop, alias } = join;
      const isTarget =
        prop.kind === ReferenceKind.ONE_TO_MANY || (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner);
      const entry = prop.targetMeta && this.catalog.find(prop.targetMeta);
      if (!entry || (join.loads && !shared) || showsEvery(prop, SOFT_DELETE_FILTER)) {
        continue;
      }
      if (prop.kind === ReferenceKind.MANY_TO_MANY) {
        const keys = join.inverseJoinColumns!.map((column) => `${alias}.${column}`);
        join.cond = { ...join.cond, [Utils.getPrimaryKeyHash(keys)]: { $in: this.activeKeys(prop, entry.property) } };
      } else if (isTarget) {
        join.cond = { ...join.cond, [`${alias}.${entry.property}`]: null };
        // The column may be on a table joined later: that of the root of a table-per-type hierarchy.
        (this as unknown as { nestReferencedJoins(join: Join): void }).nestReferencedJoins(join);
      }
    }
  }

  /** The restriction is on the rows of the pivot table: a link to a deleted row is not there either. */
  private activeKeys(prop: EntityProperty, property: string) {
    const target = prop.targetMeta as EntityMetadata<any>;
    return this.driver
      .createQueryBuilder<any>(target.class, this.context)
      .withSchema(this.state.schema)
      .select(target.primaryKeys as never)
      .where(activePredicate(property) as never)
      .toRaw();
  }

  private get catalog(): SoftDeleteCatalog {
    return SoftDeleteCatalog.of(this.metadata);
  }
}

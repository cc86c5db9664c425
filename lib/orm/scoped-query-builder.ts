import {
  type EntityMetadata,
  type EntityProperty,
  QueryFlag,
  QueryOrder,
  raw,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import { type QueryBuilder, QueryType } from '@mikro-orm/postgresql';
import { activePredicate, type DeletedScope, scopePredicate } from '../metadata/active-predicate.js';
import { cacheName } from './cache-name.js';
import { GuardedQueryBuilder } from './guarded-query-builder.js';
import { showsEvery } from '../metadata/relations/relation-filters.js';
import { SOFT_DELETE_FILTER } from '../metadata/filter-name.js';

interface Join {
  readonly prop: EntityProperty;
  readonly alias: string;
  readonly ownerAlias: string;
  /** The columns that hold the key, and those of the owner that they point at. */
  readonly joinColumns: readonly string[];
  readonly primaryKeys: readonly string[];
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
  /** Whether relations show deleted rows as well. */
  softDeleteShowsEvery?: boolean;
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
export class ScopedQueryBuilder extends GuardedQueryBuilder {
  /**
   * Makes a query builder of the ORM a scoped one.
   *
   * @param scope - what its relations show
   * @param root - the scope of the rows that are asked for, where the ORM's filter does not see to them
   */
  static adopt(qb: QueryBuilder<any, any, any>, scope: DeletedScope, root?: DeletedScope): ScopedQueryBuilder {
    const scoped = Object.setPrototypeOf(qb, ScopedQueryBuilder.prototype) as ScopedQueryBuilder;
    scoped.scopeState.softDeleteShowsEvery = scope !== 'active';
    scoped.scopeState.softDeleteRoot = root === 'with' ? undefined : root;
    return scoped;
  }

  private get scopeState(): ScopeState {
    return this.state as unknown as ScopeState;
  }

  protected override get showsDeleted(): boolean {
    return this.scopeState.softDeleteShowsEvery === true;
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

  /** A result with a name of its own is kept apart for each scope. */
  override cache(config: any = true): this {
    const { softDeleteRoot, softDeleteShowsEvery } = this.scopeState;
    const scope = softDeleteRoot ?? (softDeleteShowsEvery ? 'with' : 'active');
    const isNamed = Array.isArray(config) && scope !== 'active';
    return super.cache(isNamed ? [cacheName(config[0] as string, scope), config[1] as number] : config) as this;
  }

  /** @internal */
  override processPopulateHint(): void {
    const before = new Set(Object.keys(this.scopeState.joins));
    super.processPopulateHint();
    const added = Object.entries(this.scopeState.joins).filter(([key]) => !before.has(key));
    if (added.length > 0) {
      // Made for the key on the other side of a one-to-one relation.
      added.forEach(([, join]) => (join.loads = true));
      this.restrictMembers();
    }
  }

  override async getCount(field?: any, distinct?: boolean): Promise<number> {
    return super.getCount(field, distinct ?? (this.repeatsRows() || undefined));
  }

  override getNativeQuery(processVirtualEntity?: boolean): any {
    if (!this.state.finalized && this.type !== QueryType.INSERT && this.type !== QueryType.TRUNCATE) {
      this.restrictRoot();
      this.restrictMembers();
      if (this.repeatsRows()) {
        this.setFlag(QueryFlag.PAGINATE);
      }
    }
    return super.getNativeQuery(processVirtualEntity);
  }

  override clone(reset?: any, preserve?: any): any {
    const { softDeleteRoot, softDeleteShowsEvery } = this.scopeState;
    const scope = softDeleteShowsEvery ? 'with' : 'active';
    return ScopedQueryBuilder.adopt(super.clone(reset, preserve), scope, reset === true ? undefined : softDeleteRoot);
  }

  /** Whether a condition goes through a one-to-one relation that shows deleted rows as well: the ORM expects one row there. */
  private repeatsRows(): boolean {
    const { joins, softDeleteShowsEvery } = this.scopeState;
    return (
      softDeleteShowsEvery === true &&
      Object.values(joins).some(
        ({ prop, loads }) =>
          !loads && prop.kind === ReferenceKind.ONE_TO_ONE && isMember(prop) && this.catalog.find(prop.targetMeta!),
      )
    );
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
    const { joins, resolvedPopulateWhere, softDeleteShowsEvery } = this.scopeState;
    for (const join of Object.values(joins)) {
      const entry = join.prop.targetMeta && this.catalog.find(join.prop.targetMeta);
      if (!entry || !isMember(join.prop)) {
        continue;
      }
      if (softDeleteShowsEvery || showsEvery(join.prop, SOFT_DELETE_FILTER)) {
        this.showNewest(join, entry.property);
      } else if (!join.loads || resolvedPopulateWhere === 'infer') {
        this.showActive(join, entry.property);
      }
    }
  }

  private showActive(join: Join, property: string): void {
    if (join.prop.kind === ReferenceKind.MANY_TO_MANY) {
      const keys = join.inverseJoinColumns!.map((column) => `${join.alias}.${column}`);
      join.cond = { ...join.cond, [Utils.getPrimaryKeyHash(keys)]: { $in: this.activeKeys(join.prop, property) } };
      return;
    }
    join.cond = { ...join.cond, [`${join.alias}.${property}`]: null };
    // The column may be on a table joined later: that of the root of a table-per-type hierarchy.
    (this as unknown as { nestReferencedJoins(join: Join): void }).nestReferencedJoins(join);
  }

  /**
   * A one-to-one relation has room for one row, but the deleted ones that held the key before hold it still. All of them would
   * be rows of the result, so the one that shows is the active one or else the one deleted last.
   */
  private showNewest(join: Join, property: string): void {
    if (join.prop.kind === ReferenceKind.ONE_TO_ONE && join.loads) {
      const target = join.prop.targetMeta as EntityMetadata<any>;
      const keys = target.primaryKeys.map((key) => `${join.alias}.${key}`);
      join.cond = { ...join.cond, [Utils.getPrimaryKeyHash(keys)]: { $in: this.newestKey(join, target, property) } };
    }
  }

  private newestKey(join: Join, target: EntityMetadata<any>, property: string) {
    const alias = `${join.alias}_newest`;
    const qb = this.driver.createQueryBuilder<any>(target.class, this.context, undefined, false, undefined, alias);
    // None of its further aliases may hide one of the query around it.
    (qb.state as { aliasCounter: number }).aliasCounter = 1_000;
    qb.withSchema(this.state.schema).select(target.primaryKeys as never);
    join.joinColumns.forEach((column, i) => {
      qb.andWhere(raw('?? = ??', [`${alias}.${column}`, `${join.ownerAlias}.${join.primaryKeys[i]}`]) as never);
    });
    return qb
      .orderBy({ [property]: QueryOrder.DESC_NULLS_FIRST } as never)
      .limit(1)
      .toRaw();
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
}

function isMember({ kind, owner }: EntityProperty): boolean {
  return (
    kind === ReferenceKind.ONE_TO_MANY ||
    kind === ReferenceKind.MANY_TO_MANY ||
    (kind === ReferenceKind.ONE_TO_ONE && !owner)
  );
}

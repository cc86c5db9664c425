import { type EntityMetadata, type FilterOptions, QueryHelper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { scopeFilters } from '../metadata/scope-options.js';
import { ScopedQueryBuilder } from '../orm/scoped-query-builder.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import { getInstallation } from '../installation/installation.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { withoutKeyLists } from './row-set.js';

/** The alias of the rows, as everywhere in this folder. */
const ROW = 'c';
const WHERE = ' where ';

interface Sql {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/**
 * The rows that an operation is asked for, as SQL.
 *
 * @internal
 */
export interface RowSelection {
  /** Selects their primary keys. */
  readonly keys: Sql;
  /**
   * The same as a condition on the rows `c` of the table, if it looks at no other row. PostgreSQL checks such a condition once
   * more when it has waited for the lock of a row.
   */
  readonly condition: Sql | undefined;
}

/** What bounds a selection besides its condition. @internal */
export interface SelectionOptions {
  /** Which rows are meant, and which ones conditions through relations see: the same as in a read of this scope. */
  readonly scope: DeletedScope;
  /** As in MikroORM: which of its filters apply. `false` for rows that belong to a relation, whoever may see them. */
  readonly filters?: FilterOptions | undefined;
  /** Whether nothing may be written: unsaved changes of the entity manager are not flushed before. */
  readonly isPreview?: boolean;
}

/**
 * Says which rows an operation is asked for: those that a read of the scope would find, within the application's filters, which
 * are asked as MikroORM's own `nativeDelete()` asks them. The scope of a request has no say. Filters run before anything is
 * written and on no connection of the operation, and one that lacks its parameters throws.
 *
 * @internal
 */
export function selectRows(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  { scope, filters, isPreview = false }: SelectionOptions,
): Promise<RowSelection> {
  const { scope: current } = getInstallation(em);
  return current.run('active', async () => {
    const options = filters === undefined ? {} : { filters };
    // The ORM has no public method that asks filters for anything but a read.
    const bounds = await em.applyFilters<object>(meta.class, {}, scopeFilters('with', filters), 'delete', options);
    if (filters !== false && !isPreview) {
      await em.tryFlush(meta.class, {});
    }
    const asked = QueryHelper.processWhere<object>({
      where,
      entityName: meta.class,
      metadata: em.getMetadata(),
      platform: em.getPlatform(),
    });
    const qb = queryRows(em, meta, scope);
    qb.where((bounds ? { $and: [bounds, asked] } : asked) as never);
    await current.run(scope, () => qb.applyJoinedFilters(em, scopeFilters(scope, filters)));
    const { sql, params } = qb.toQuery();
    // The ORM also selects the key on the other side of a one-to-one relation that the condition names.
    const keys = primaryColumns(meta).map((column) => em.getPlatform().quoteIdentifier(column));
    return {
      keys: { sql: `select ${keys.join(', ')} from (${sql}) as asked`, params },
      condition: onOwnColumns(em, meta, { sql, params }),
    };
  });
}

function queryRows(em: EntityManager, meta: EntityMetadata, scope: DeletedScope): ScopedQueryBuilder {
  // Conditions are converted before, like those of `em.find()`.
  const qb = em
    .getDriver()
    .createQueryBuilder<object>(meta.class, undefined, 'write', false, em.getLoggerContext(), ROW, em);
  const scoped = ScopedQueryBuilder.adopt(qb, scope, scope);
  scoped.select(meta.primaryKeys);
  return scoped;
}

function onOwnColumns(em: EntityManager, meta: EntityMetadata, { sql, params }: Sql): Sql | undefined {
  const from = ` as ${em.getPlatform().quoteIdentifier(ROW)}`;
  const rest = sql.slice(sql.indexOf(from) + from.length);
  const isOneTable = meta.root.inheritanceType !== 'tpt';
  // Tables that are joined come before.
  const isCondition = rest === '' || rest.startsWith(WHERE);
  if (!isOneTable || !isCondition || looksElsewhere(rest)) {
    return undefined;
  }
  const condition = rest.slice(WHERE.length);
  return { sql: condition === '' ? 'true' : condition, params };
}

/**
 * Whether a condition reads other rows. What it takes from a list in its own column is none of them: the ORM looks so for the elements
 * of an embedded array (`getJsonArrayFromSQL()` in `BasePostgreSqlPlatform.js`).
 *
 * @internal
 */
export function looksElsewhere(condition: string): boolean {
  const own = withoutKeyLists(condition).replaceAll('(select 1 from jsonb_array_elements(', '(');
  return /\b(select|table|values)\b/i.test(own);
}

import { type EntityMetadata, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { ScopedQueryBuilder } from '../orm/scoped-query-builder.js';
import type { RowCondition, WhereCondition } from '../metadata/relations/graph-relation.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from './table-name.js';

/** A query of one table, whose name may be quoted, and its conditions. */
const ON_ONE_TABLE = /^select 1 from (?:"(?:[^"]|"")*"|[^\s"])+ as "\w+" where (.*)$/s;

/** A piece of SQL with a `?` for each value. @internal */
export interface SqlFragment {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/**
 * A condition on the rows `alias` of an entity's table: the root's, or the one that the class has in a table-per-type hierarchy.
 *
 * @internal
 */
export function rowConditionSql(
  em: EntityManager,
  table: EntityMetadata,
  alias: string,
  condition: RowCondition,
): SqlFragment {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  if ('column' in condition) {
    const { column, values } = condition;
    return { sql: `${alias}.${quote(column)} in (${values.map(() => '?').join(', ')})`, params: values };
  }
  if ('subtable' in condition) {
    const key = primaryColumns(table);
    const same = primaryColumns(condition.subtable).map(
      (column, i) => `s.${quote(column)} = ${alias}.${quote(key[i]!)}`,
    );
    return {
      sql: `exists (select from ${tableName(em, condition.subtable)} as s where ${same.join(' and ')})`,
      params: [],
    };
  }
  return whereSql(em, table, alias, condition);
}

/** All of them. @internal */
export function rowConditionsSql(
  em: EntityManager,
  table: EntityMetadata,
  alias: string,
  conditions: readonly RowCondition[],
): SqlFragment {
  const all = conditions.map((condition) => rowConditionSql(em, table, alias, condition));
  return {
    sql: all.length === 0 ? 'true' : all.map(({ sql }) => `(${sql})`).join(' and '),
    params: all.flatMap(({ params }) => params),
  };
}

/**
 * The `where` of a relation, written by the ORM's own query builder, so that types, names and joins are those of a read. Where it
 * needs no other table it stands on the row itself, which the database checks again once it has waited for a lock on it.
 *
 * Members of a relation are what they were while they were active: a `where` that asks for the time of deletion as well
 * (`{ deletedAt: null }`) would let a restoration, or a physical removal, find none of the rows that were deleted as members.
 */
function whereSql(
  em: EntityManager,
  table: EntityMetadata,
  alias: string,
  { entity, where }: WhereCondition,
): SqlFragment {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const asks = (name: string) => {
    const qb = em
      .createQueryBuilder<object, string>(entity.class, name as never)
      .select(raw('1'))
      .where(where);
    return ScopedQueryBuilder.adopt(qb, 'active').toQuery();
  };
  const entry = SoftDeleteCatalog.of(em).find(entity);
  if (table.tableName === entity.root.tableName) {
    const { sql, params } = asks('m');
    // Whatever stands between the table and its conditions is a join.
    const own = ON_ONE_TABLE.exec(sql)?.[1];
    if (own !== undefined && entry && own.includes(quote(entry.column))) {
      const row = `jsonb_populate_record(${alias}.*, ?::jsonb) as m`;
      return {
        sql: `exists (select from ${row} where ${own})`,
        params: [JSON.stringify({ [entry.column]: null }), ...params],
      };
    }
    if (own !== undefined) {
      return { sql: ON_ONE_TABLE.exec(asks(alias).sql)![1]!, params };
    }
  }
  const matching = em
    .createQueryBuilder<object, string>(entity.class, 'm' as never)
    .select(entity.primaryKeys as never)
    .where(where);
  const { sql, params } = ScopedQueryBuilder.adopt(matching, 'active').toQuery();
  if (entry && sql.includes(`"m".${quote(entry.column)}`)) {
    throw new SoftDeleteConfigError(
      `The \`where\` of a relation to ${entity.className}`,
      `it combines ${entry.property} with other tables, so deleted rows cannot be told from rows that were never members.`,
      `Leave ${entry.property} out: deleted rows are hidden anyway.`,
    );
  }
  const key = primaryColumns(table).map((column) => `${alias}.${quote(column)}`);
  return { sql: `(${key.join(', ')}) in (${sql})`, params };
}

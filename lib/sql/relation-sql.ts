import type { EntityManager } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { tableName } from './table-name.js';
import { rowConditionSql, rowConditionsSql, type SqlFragment } from './row-condition-sql.js';

/** Tables and conditions that lead from the rows `p` of an edge's parent to the rows `c` behind it. @internal */
export interface RelationSql {
  /** The table of the parent's rows, as `p`. */
  readonly parent: string;
  /** The table of the rows behind, as `c`. */
  readonly child: string;
  /** Tables in between, as they stand in a `from` clause. */
  readonly between: readonly string[];
  readonly conditions: readonly string[];
  readonly params: readonly unknown[];
}

/** @internal */
export function relationSql(em: EntityManager, relation: GraphRelation): RelationSql {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const equal = (left: string, leftColumns: readonly string[], right: string, rightColumns: readonly string[]) =>
    leftColumns.map((column, i) => `${left}.${quote(column)} = ${right}.${quote(rightColumns[i]!)}`);

  const parentRoot = relation.parent.root;
  const childRoot = relation.child.root;
  const between: string[] = [];
  const conditions: string[] = [];
  const { link } = relation;
  let linkAlias: string;

  switch (link.kind) {
    case 'child-key':
      linkAlias = link.table.root === childRoot && link.table.tableName === childRoot.tableName ? 'c' : 'k';
      if (linkAlias === 'k') {
        between.push(`${tableName(em, link.table)} as k`);
        conditions.push(...equal('k', primaryColumns(link.table), 'c', primaryColumns(childRoot)));
      }
      conditions.push(...equal(linkAlias, link.columns, 'p', link.referenced));
      break;
    case 'parent-key':
      linkAlias = link.table.tableName === parentRoot.tableName ? 'p' : 'k';
      if (linkAlias === 'k') {
        between.push(`${tableName(em, link.table)} as k`);
        conditions.push(...equal('k', primaryColumns(link.table), 'p', primaryColumns(parentRoot)));
      }
      conditions.push(...equal(linkAlias, link.columns, 'c', link.referenced));
      break;
    case 'pivot':
      linkAlias = 'k';
      between.push(`${tableName(em, link.table)} as k`);
      conditions.push(...equal('k', link.parentColumns, 'p', link.parentReferenced));
      conditions.push(...equal('k', link.childColumns, 'c', link.childReferenced));
      break;
  }

  const params: unknown[] = [];
  const add = (fragment: SqlFragment) => {
    conditions.push(fragment.sql);
    params.push(...fragment.params);
  };
  const { members, linkConditions, except } = relation;
  members.child.forEach((condition) => add(rowConditionSql(em, childRoot, 'c', condition)));
  members.parent.forEach((condition) => add(rowConditionSql(em, parentRoot, 'p', condition)));
  linkConditions.forEach((condition) => add(rowConditionSql(em, link.table, linkAlias, condition)));
  for (const other of except) {
    const child = rowConditionsSql(em, childRoot, 'c', other.child);
    const parent = rowConditionsSql(em, parentRoot, 'p', other.parent);
    // Not `not`: of an unknown condition that is unknown as well.
    add({ sql: `(${child.sql} and ${parent.sql}) is not true`, params: [...child.params, ...parent.params] });
  }
  return {
    parent: tableName(em, parentRoot),
    child: tableName(em, childRoot),
    between,
    conditions,
    params,
  };
}

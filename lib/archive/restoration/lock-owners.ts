import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { rowConditionsSql, type SqlFragment } from '../../sql/row-condition-sql.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { archivedConditionsSql } from '../snapshot/archived-condition-sql.js';
import { keyTextSql } from '../snapshot/key-text-sql.js';
import type { MissingParent } from './missing-parent.js';
import { type NeededParent, pointsAtSql } from './needed-parents.js';
import type { RestoredRows } from './restored-rows.js';

/** How rows are locked that own restored ones: FOR SHARE lets other restorations pass, but those that come back too need a lock of their own. @internal */
export type OwnerLock = 'share' | 'no key update';

/** A row that is locked, with what is to be known of it. */
interface Owner extends Pick<NeededParent, 'part' | 'holder' | 'relation' | 'columns' | 'referenced' | 'operators'> {
  readonly parent: EntityMetadata;
  readonly conditions: readonly SqlFragment[];
  readonly soft: SoftDeletableEntityMetadata | undefined;
}

/**
 * Locks the rows that own archived ones, and those that no foreign key keeps in their table, and looks at them once the locks are held: one
 * that is being deleted must not miss what is restored behind it. One statement, and none where there are no such relations.
 *
 * @returns the soft-deleted owners
 * @internal
 */
export async function lockOwnersOf(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  restored: RestoredRows,
  needed: readonly NeededParent[],
  lock: OwnerLock,
): Promise<MissingParent[]> {
  const owners = [
    ...restored.parts().flatMap((part) => softOwnersOf(em, catalog, restored, part)),
    ...needed.flatMap((of): Owner[] =>
      of.parent && !of.isEnforced
        ? [
            {
              ...of,
              parent: of.parent,
              conditions: archivedConditionsSql(em, of.holder, of.conditions),
              soft: undefined,
            },
          ]
        : [],
    ),
  ];
  if (owners.length === 0) {
    return [];
  }
  const locked = owners.map((owner) => lockSql(em, restored, owner, lock));
  const parts = locked.map(({ sql }, i) => `"soft-delete:owners${i}" as materialized (${sql})`);
  const deleted = owners.map(
    (_owner, i) => `select ${i} as position, "key", "parent" from "soft-delete:owners${i}" where deleted`,
  );
  const found = await execute<{ position: number; key: string; parent: string }>(
    em,
    ctx,
    `with ${parts.join(', ')} ${deleted.join(' union all ')} order by position, "key"`,
    locked.flatMap(({ params }) => params),
  );
  return found.map(({ position, key, parent: parentKey }) => {
    const { part, relation, parent, soft } = owners[position]!;
    return { part, key, relation, parent, parentKey, archivedIn: undefined, softDeleted: soft };
  });
}

function lockSql(em: EntityManager, restored: RestoredRows, owner: Owner, lock: OwnerLock): SqlFragment {
  const { part, parent, soft, conditions } = owner;
  const rows = restored.rowsSql(part);
  const isDeleted = soft ? `p.${em.getPlatform().quoteIdentifier(soft.column)} is not null` : 'false';
  return {
    sql:
      `select a."key", ${keyTextSql(em, parent, 'p')} as parent, ${isDeleted} as deleted from ${rows.sql}, ${tableName(em, parent)} as p ` +
      `where ${[rows.condition, pointsAtSql(em, 'p', owner), ...conditions.map(({ sql }) => sql)].join(' and ')} for ${lock} of p`,
    params: [...rows.params, ...conditions.flatMap(({ params }) => params)],
  };
}

/** The soft-deletable rows that own archived ones, as `findDeletedParents()` has it for rows that are in their tables. */
function softOwnersOf(em: EntityManager, catalog: SoftDeleteCatalog, restored: RestoredRows, part: string): Owner[] {
  const holder = restored.metaOf(part);
  return catalog.graph.edges.flatMap((edge) => {
    const { link, name: relation } = edge;
    const soft = catalog.find(edge.parent);
    if (
      !soft ||
      link.kind !== 'child-key' ||
      !takesAlong(edge) ||
      tableName(em, link.table) !== tableName(em, holder)
    ) {
      return [];
    }
    const { columns, referenced } = link;
    const operators = columns.map(() => '=');
    const conditions = membershipSql(em, holder, edge);
    return [{ part, holder, relation, columns, referenced, operators, conditions, parent: edge.parent.root, soft }];
  });
}

function membershipSql(em: EntityManager, holder: EntityMetadata, edge: GraphRelation): SqlFragment[] {
  const { members, linkConditions, except } = edge;
  const parent = (conditions: GraphRelation['members']['parent']) =>
    rowConditionsSql(em, edge.parent.root, 'p', conditions);
  const exceptions = except.flatMap((other) => {
    const own = archivedConditionsSql(em, holder, other.child);
    const front = parent(other.parent);
    return own.length < other.child.length
      ? []
      : [
          {
            sql: `(${[...own.map(({ sql }) => sql), front.sql].join(' and ')}) is not true`,
            params: [...own.flatMap(({ params }) => params), ...front.params],
          },
        ];
  });
  return [
    ...archivedConditionsSql(em, holder, [...linkConditions, ...members.child]),
    parent(members.parent),
    ...exceptions,
  ];
}

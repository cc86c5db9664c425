import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { relationOver } from '../../metadata/relations/key-relations.js';
import { mappedTables } from '../../metadata/mapped-tables.js';
import type { GraphRelation, RowCondition } from '../../metadata/relations/graph-relation.js';
import { refuses, takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { readOutgoingKeys } from '../../postgres/catalog/read-outgoing-keys.js';
import { tableName } from '../../sql/table-name.js';
import type { RestoredRows } from './restored-rows.js';

/** A row that archived rows of one table point at, and cannot come back without. @internal */
export interface NeededParent {
  readonly part: string;
  /** The table of the archived rows. */
  readonly holder: EntityMetadata;
  /** The relation, as `Entity.property`, or the constraint where the ORM maps none. */
  readonly relation: string;
  readonly parent: EntityMetadata | undefined;
  /** The quoted name of the parent's table. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** By which the database compares the parent's columns with those of the row. */
  readonly operators: readonly string[];
  /** Which of the archived rows point there. */
  readonly conditions: readonly RowCondition[];
  /** Whether the database sees to it that the parent stays until the row is back. */
  readonly isEnforced: boolean;
}

/**
 * What archived rows point at: by every foreign key of their tables, and by relations without one that a deletion of the parent follows, or
 * is refused for. Both ends of a link are needed, whatever the policy.
 *
 * @internal
 */
export async function readNeededParents(
  em: EntityManager,
  ctx: Transaction,
  { graph }: SoftDeleteCatalog,
  restored: RestoredRows,
): Promise<NeededParent[]> {
  const metas = mappedTables(em.getMetadata());
  const needed: NeededParent[] = [];
  for (const part of restored.parts()) {
    const holder = restored.metaOf(part);
    const keys = await readOutgoingKeys(em, ctx, holder, metas);
    const enforced = keys.map(({ name, of, ...key }): NeededParent => {
      const parent = of === null ? undefined : metas[of - 1]!;
      const relation = relationOver(graph, holder, key.columns, parent)?.name ?? name;
      return { part, holder, relation, parent, conditions: [], isEnforced: true, ...key };
    });
    const own = tableName(em, holder);
    const ends = graph.edges
      .flatMap((edge) => endsOf(edge))
      .filter(
        ({ link, ...end }) =>
          tableName(em, link) === own && !enforced.some((key) => key.parent?.root === end.parent && isSame(key, end)),
      );
    const unenforced = [...Map.groupBy(ends, identify).values()]
      .map(([end]) => end!)
      .map(({ relation, parent, columns, referenced, conditions }): NeededParent => {
        const operators = columns.map(() => '=');
        const table = tableName(em, parent);
        return { part, holder, relation, parent, table, columns, referenced, operators, conditions, isEnforced: false };
      });
    needed.push(...enforced, ...unenforced);
  }
  return needed;
}

/** That rows `c` point at the rows `alias`. @internal */
export function pointsAtSql(
  em: EntityManager,
  alias: string,
  { columns, referenced, operators }: Pick<NeededParent, 'columns' | 'referenced' | 'operators'>,
): string {
  const quote = (column: string) => em.getPlatform().quoteIdentifier(column);
  return columns
    .map((column, i) => `${alias}.${quote(referenced[i]!)} ${operators[i]!} c.${quote(column)}`)
    .join(' and ');
}

interface End {
  readonly link: EntityMetadata;
  readonly relation: string;
  readonly parent: EntityMetadata;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  readonly conditions: readonly RowCondition[];
}

/** The rows that the rows of a table with a key need. */
function endsOf(edge: GraphRelation): End[] {
  const { link, parent, child, name: relation, linkConditions, members } = edge;
  if (link.kind === 'pivot') {
    const ofSide = (side: 'parent' | 'child') => (side === link.polymorphicSide ? linkConditions : []);
    const ends = [
      { parent: parent.root, columns: link.parentColumns, referenced: link.parentReferenced, side: 'parent' },
      { parent: child.root, columns: link.childColumns, referenced: link.childReferenced, side: 'child' },
    ] as const;
    return ends.map(({ side, ...end }) => ({ link: link.table, relation, conditions: ofSide(side), ...end }));
  }
  if (link.kind !== 'child-key' || !(takesAlong(edge) || refuses(edge))) {
    return [];
  }
  const { table, columns, referenced } = link;
  return [
    {
      link: table,
      relation,
      parent: parent.root,
      columns,
      referenced,
      conditions: [...linkConditions, ...members.child],
    },
  ];
}

/** Both sides of a many-to-many relation lead to the same ends. */
function identify({ relation, parent, columns, referenced, conditions }: End): string {
  const parts = conditions.map((condition) => ('column' in condition ? condition : relation));
  return JSON.stringify([parent.className, columns, referenced, parts]);
}

function isSame(key: Pick<End, 'columns' | 'referenced'>, other: Pick<End, 'columns' | 'referenced'>): boolean {
  const pairs = ({ columns, referenced }: Pick<End, 'columns' | 'referenced'>) =>
    columns
      .map((column, i) => JSON.stringify([column, referenced[i]]))
      .toSorted()
      .join();
  return pairs(key) === pairs(other);
}

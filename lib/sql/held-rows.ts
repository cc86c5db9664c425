import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { HoldTables } from '../installation/hold-tables.js';
import { getInstallation } from '../installation/installation.js';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import { takesAlong } from '../metadata/relations/relation-policies.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { relationSql } from './relation-sql.js';
import { inChunks, keyConditionSql, keySql, type RowKey, RowSet } from './row-set.js';
import { tableName } from './table-name.js';
import { execute } from './transaction.js';

/** The keys of the advisory lock that placing a hold takes alone, and every removal shares. The first one spells "hold" in ASCII. */
const LOCK = '1752132708, 0';

/** Waits for removals under way, and lets none begin before the transaction ends. @internal */
export const LOCK_FOR_PLACING_SQL = `pg_advisory_xact_lock(${LOCK})`;

/**
 * Waits for holds that are being placed, and lets none be placed before the transaction ends. What a hold covers is read in a later
 * statement: this one does not see what was committed while it waited.
 *
 * @internal
 */
export const LOCK_FOR_REMOVAL_SQL = `pg_advisory_xact_lock_shared(${LOCK})`;

/** An active hold. @internal */
export interface ActiveHold {
  readonly id: number;
  readonly name: string;
}

/** A value that changes with every hold that is placed or released. @internal */
export function holdsVersionSql(em: EntityManager, { holds }: HoldTables): string {
  return `(select concat(count(*), ' ', count("released_at"), ' ', max("id")) from ${tableName(em, holds)})`;
}

/** @internal */
export function readActiveHolds(
  em: EntityManager,
  ctx: Transaction | undefined,
  { holds }: HoldTables,
): Promise<ActiveHold[]> {
  const sql = `select "id", "name" from ${tableName(em, holds)} where "released_at" is null order by "id"`;
  return execute<ActiveHold & Record<string, unknown>>(em, ctx as Transaction, sql);
}

/**
 * The rows that active holds keep from being removed: those they were placed on, what lies behind these by `cascade` relations or by
 * the ways that `@PersonalData()` declares, active or deleted, and rows that would take a plain one of these along.
 *
 * @param only - the holds that count; all active ones unless given
 * @internal
 */
export async function readHeldRows(
  em: EntityManager,
  ctx: Transaction | undefined,
  tables: HoldTables,
  only?: readonly ActiveHold[],
): Promise<RowSet> {
  const catalog = SoftDeleteCatalog.of(em);
  const held = new RowSet();
  const named = await execute<{ entity: string; key: string[] }>(
    em,
    ctx as Transaction,
    `select r."entity" as entity, r."key" as key from ${tableName(em, tables.rows)} as r join ${tableName(em, tables.holds)} as h on h."id" = r."hold" ` +
      `where h."released_at" is null${only ? ` and h."id" = any(cast(? as int[]))` : ''}`,
    only ? [`{${only.map(({ id }) => id).join(',')}}`] : [],
  );
  const cascading = catalog.graph.edges.filter(takesAlong);
  const personal = getInstallation(em).personalRelations ?? [];
  let level = new Map<EntityMetadata, RowKey[]>();
  for (const [entity, rows] of Map.groupBy(named, (row) => row.entity)) {
    const meta = [...em.getMetadata()].find(({ className }) => className === entity)?.root;
    if (meta) {
      level.set(
        meta,
        await held.add(
          meta,
          rows.map(({ key }) => key),
        ),
      );
    }
  }
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      const plain = !catalog.find(root);
      for (const edge of [...cascading, ...personal]) {
        const ways = [
          ...(edge.parent.root === root ? [{ meta: edge.child, way: 'behind' as const }] : []),
          ...(takesAlong(edge) && plain && edge.child.root === root
            ? [{ meta: edge.parent, way: 'front' as const }]
            : []),
        ];
        for (const { meta, way } of ways) {
          const added = await held.add(meta, await follow(em, ctx, edge, keys, way));
          if (added.length > 0) {
            next.set(meta.root, [...(next.get(meta.root) ?? []), ...added]);
          }
        }
      }
    }
    level = next;
  }
  return held;
}

/** The keys of the rows behind a relation of the given ones, or in front of them. */
async function follow(
  em: EntityManager,
  ctx: Transaction | undefined,
  edge: GraphRelation,
  from: readonly RowKey[],
  way: 'behind' | 'front',
): Promise<RowKey[]> {
  const relation = relationSql(em, edge);
  const [given, alias, asked, other] =
    way === 'behind' ? ([edge.parent, 'p', edge.child, 'c'] as const) : ([edge.child, 'c', edge.parent, 'p'] as const);
  const found: RowKey[][] = [];
  await inChunks(from, async (chunk) => {
    const condition = keyConditionSql(em, given, alias, chunk);
    const rows = await execute<{ key: string[] }>(
      em,
      ctx as Transaction,
      `select distinct ${keySql(em, asked, other)} ` +
        `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
        `where ${[condition.sql, ...relation.conditions].join(' and ')}`,
      [...condition.params, ...relation.params],
    );
    found.push(rows.map(({ key }) => key));
  });
  return found.flat();
}

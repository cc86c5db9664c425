import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { primaryColumns, type GraphRelation } from '../metadata/relations/relation-graph.js';
import { type SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuses, takesAlong } from '../metadata/relations/relation-policies.js';
import { tableName } from './table-name.js';
import { keyConditionSql, type RowKey } from './row-set.js';
import type { UnitTime } from './take-unit-time.js';
import { execute } from './transaction.js';

/**
 * Whether what is inserted behind the entity's rows takes part in their deletion: behind a `cascade` or `restrict` relation with a
 * foreign key.
 *
 * Such an insert holds its parent with FOR KEY SHARE until it commits, which an update of the timestamp does not meet: the child would
 * be seen by neither the cascade nor the refusal, and be there afterwards. FOR UPDATE meets it. A deletion waits for the
 * inserts under way and sees what they have committed; later ones wait for the deletion.
 *
 * @see https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
 * @internal
 */
export function isAwaitedByOthers(em: EntityManager, { meta }: SoftDeletableEntityMetadata): boolean {
  return awaited(em, meta).length > 0;
}

/** A name that no table has: it would hide the table. */
const LOCKED = '"soft-delete:locked"';

/**
 * Locks rows `c` and updates them, in one statement. The parameters of the lock come first. The condition is not asked once more by the
 * update: what is locked meets it, and the index of active rows, which statistics may take for empty, would be read for each row.
 *
 * @internal
 */
export function updateLockedSql(
  em: EntityManager,
  { meta }: SoftDeletableEntityMetadata,
  assignments: string,
  from: string,
  where: string,
): string {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const keys = primaryColumns(meta);
  const selected = keys.map((key) => `c.${quote(key)}`).join(', ');
  const same = keys.map((key) => `c.${quote(key)} = ${LOCKED}.${quote(key)}`);
  return (
    `with ${LOCKED} as materialized (select ${selected} from ${from} where ${where} order by ${selected} for update of c) ` +
    `update ${tableName(em, meta)} as c set ${assignments} from ${LOCKED} where ${same.join(' and ')}`
  );
}

/** Locks rows by key before something else updates them. @internal */
export async function lockAgainstReferences(
  em: EntityManager,
  ctx: Transaction,
  { meta }: SoftDeletableEntityMetadata,
  keys: readonly RowKey[],
): Promise<void> {
  for (const table of new Set(awaited(em, meta))) {
    const among = keyConditionSql(em, meta, 'c', keys);
    const order = primaryColumns(meta).map((column) => `c.${em.getPlatform().quoteIdentifier(column)}`);
    await execute(
      em,
      ctx,
      `select 1 from ${tableName(em, table)} as c where ${among.sql} order by ${order.join(', ')} for update of c`,
      among.params,
    );
  }
}

/**
 * In a table-per-type hierarchy a foreign key may point at the table of a class, while the timestamp is on the root's: the rows of a
 * unit are locked there as well, before it is extended to what is behind them.
 *
 * @internal
 */
export async function lockReferencedParts(
  em: EntityManager,
  ctx: Transaction,
  { meta, column, columnType }: SoftDeletableEntityMetadata,
  unit: UnitTime,
): Promise<void> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  for (const part of new Set(awaited(em, meta))) {
    if (part !== meta) {
      const same = primaryColumns(meta).map((key, i) => `p.${quote(key)} = c.${quote(primaryColumns(part)[i]!)}`);
      await execute(
        em,
        ctx,
        `select 1 from ${tableName(em, part)} as c, ${tableName(em, meta)} as p ` +
          `where ${same.join(' and ')} and p.${quote(column)} = cast(? as ${columnType}) for update of c`,
        [unit.text],
      );
    }
  }
}

/** The entities of the hierarchy whose tables such foreign keys point at. */
function awaited(em: EntityManager, meta: EntityMetadata): EntityMetadata[] {
  const catalog = SoftDeleteCatalog.of(em);
  return catalog.graph
    .from(meta)
    .filter((relation) => refuses(relation) || (takesAlong(relation) && catalog.findMarked(relation.child)))
    .filter(hasForeignKey)
    .map(({ parent }) => (meta.root.inheritanceType === 'tpt' ? parent : meta.root));
}

function hasForeignKey({ link, child, linkConditions }: GraphRelation): boolean {
  switch (link.kind) {
    case 'child-key':
      return linkConditions.length === 0 && child.properties[link.property]?.createForeignKeyConstraint !== false;
    case 'pivot':
      return link.polymorphicSide !== 'parent';
    case 'parent-key':
      return false;
  }
}

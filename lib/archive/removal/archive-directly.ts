import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionContext } from '../../events/deletion-context.js';
import { surroundingManagers } from '../../installation/outer-managers.js';
import { forgetRemoved, type HeldEntities } from '../../memory/forget-removed.js';
import { managedEntities, type Undo } from '../../memory/managed-entities.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { foreignKeyFacts } from '../../postgres/foreign-key-facts.js';
import { STALE } from '../../postgres/kept-facts.js';
import { readShapes } from '../../postgres/table-shape.js';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { rowKeys } from '../../sql/entity-key.js';
import { arrayText, identify, primaryColumnTypes, type RowKey } from '../../sql/row-set.js';
import type { RowSelection } from '../../sql/select-rows.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { markDetached, unmarkDetached } from '../reading/detached-rows.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import { withExactOutput } from '../snapshot/with-exact-text.js';
import { requireReadable } from '../snapshot/require-readable.js';
import { requireOwnTable } from './require-own-table.js';
import { directSnapshotsSql } from '../snapshot/direct-snapshots-sql.js';

/** What one statement has moved to the archive. @internal */
export interface DirectlyArchived {
  readonly count: number;
  /** Nothing where there are more than were to be named. */
  readonly keys: readonly RowKey[] | undefined;
  /** Selects all of them as one JSON array. */
  readonly keysSql: { readonly sql: string; readonly params: readonly unknown[] };
  readonly undo: Undo;
}

/**
 * Moves rows to the archive in one statement, where they take nothing along and nothing points at them: however many there are, none of
 * them goes through here. PostgreSQL checks the condition of a row again that it had to wait for.
 *
 * @param named - of how many rows the keys are wanted
 * @returns nothing if it is not so, and nothing was done
 * @internal
 */
export async function archiveDirectly(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  { root }: EntityMetadata,
  { condition }: RowSelection,
  unit: UnitTime,
  context: DeletionContext,
  named: number,
): Promise<DirectlyArchived | undefined> {
  if (!condition || !standsAlone(em, catalog, root)) {
    return undefined;
  }
  // What a DELETE would lock, but before anything is asked about the table: no migration changes it or adds a key to it meanwhile.
  await execute(em, ctx, `lock table ${tableName(em, root)} in row exclusive mode`);
  return foreignKeyFacts.use(em, ctx, async (facts) => {
    const keys = facts.keysTo(em, [root]);
    // Were there any, each row would have to be looked at. Keys that are gone by now are not missed there.
    return keys.of(root).length > 0
      ? undefined
      : archive(em, ctx, root, condition, keys.isFresh, { unit, context, named });
  });
}

/** @returns nothing if keys were printed so that they could not be read back */
async function archive(
  em: EntityManager,
  ctx: Transaction,
  root: EntityMetadata,
  condition: SqlFragment,
  isFresh: SqlFragment,
  { unit, context, named }: { readonly unit: UnitTime; readonly context: DeletionContext; readonly named: number },
): Promise<DirectlyArchived | typeof STALE | undefined> {
  return withExactOutput(em, ctx, async (timeZone) => {
    const columns = (await readShapes(em, ctx, [root])).get(root)!;
    requireOwnTable(root, columns);
    const isKeyZoned = timeZone !== 'UTC' && primaryColumnTypes(root).some(({ type }) => /^time/i.test(type));
    // The condition would read amounts of money in the locale that they are printed in.
    if (isKeyZoned || columns.some(({ type }) => /money/.test(type))) {
      return undefined;
    }
    const managed = await managedKeys(em, ctx, root);
    const { sql, params } = directSnapshotsSql(em, root, columns, condition, isFresh, unit, context, named);
    const [gone] = await execute<{ isFresh: boolean; count: number; keys: string[] | null }>(em, ctx, sql, params);
    if (!gone!.isFresh) {
      return STALE;
    }
    await requireReadable(em, ctx, root, columns, unit);
    const ofUnit = {
      sql: `from ${archiveTable(em)} as a where a."entity" = ? and a."unit" = cast(? as timestamptz) and a."part" = ?`,
      params: [root.className, unit.text, root.className],
    };
    const held = await findGone(em, ctx, managed, ofUnit);
    const isSingle = primaryColumnTypes(root).length === 1;
    return {
      count: gone!.count,
      keys: gone!.count > named ? undefined : (gone!.keys ?? []).map((key) => rowKeyOf(root, key)),
      keysSql: {
        sql: `select json_agg(${isSingle ? 'json_build_array(a."key")' : 'cast(a."key" as json)'}) ${ofUnit.sql}`,
        params: ofUnit.params,
      },
      undo: forget(held),
    };
  });
}

/** Whether rows are in one table, and no relation takes others along or has a say in whether they may go. */
function standsAlone(em: EntityManager, { graph }: SoftDeleteCatalog, root: EntityMetadata): boolean {
  const isInvolved = graph.edges.some(({ parent, child, link, policy }) =>
    link.kind === 'pivot' ? parent.root === root || child.root === root : parent.root === root && policy !== 'keep',
  );
  return tablesOf(em.getMetadata(), root).length === 1 && !isInvolved;
}

type ManagedKeys = ReadonlyMap<EntityManager, ReadonlyMap<object, RowKey>>;

/** The entities that may be among the rows: afterwards the database could not say which keys are the same. */
async function managedKeys(em: EntityManager, ctx: Transaction, root: EntityMetadata): Promise<ManagedKeys> {
  const managed = new Map<EntityManager, Map<object, RowKey>>();
  for (const each of [em, ...surroundingManagers(em)]) {
    const entities = managedEntities(each, root);
    if (entities.length > 0) {
      managed.set(each, await rowKeys(each, ctx, root, entities));
    }
  }
  return managed;
}

async function findGone(
  em: EntityManager,
  ctx: Transaction,
  managed: ManagedKeys,
  ofUnit: { readonly sql: string; readonly params: readonly unknown[] },
): Promise<HeldEntities> {
  const keys = new Set([...managed.values()].flatMap((entities) => [...entities.values()].map(identify)));
  if (keys.size === 0) {
    return new Map();
  }
  const rows = await execute<{ key: string }>(
    em,
    ctx,
    `select a."key" ${ofUnit.sql} and a."key" = any(cast(? as text[]))`,
    [...ofUnit.params, arrayText([...keys])],
  );
  const gone = new Set(rows.map(({ key }) => key));
  return new Map(
    [...managed].map(([each, entities]) => [
      each,
      [...entities].filter(([, key]) => gone.has(identify(key))).map(([entity]) => entity),
    ]),
  );
}

function forget(held: HeldEntities): Undo {
  const remember = forgetRemoved(held);
  const entities = [...held.values()].flat();
  entities.forEach(markDetached);
  return () => {
    entities.forEach(unmarkDetached);
    remember();
  };
}

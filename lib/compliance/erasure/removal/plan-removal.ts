import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { takesAlong } from '../../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { lockBehind, type RowKey, RowSet } from '../../../sql/row-set.js';
import { rowName } from '../../../archive/removal/collected-rows.js';
import type { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import type { PersonalRow, PersonalRows } from '../graph/personal-rows.js';
import { findPointing, type PointingRow } from './find-pointing.js';

/** What is removed, and what becomes of what points at it. @internal */
export interface PlannedRemoval {
  readonly going: RowSet;
  /** Rows that stay and whose keys are cleared. */
  readonly clearing: readonly PointingRow[];
}

interface RemovalContext {
  readonly catalog: SoftDeleteCatalog;
  readonly personal: PersonalDataCatalog;
  readonly rows: PersonalRows;
  readonly held: RowSet;
}

/**
 * Says which rows can go. With them goes what lies behind `cascade` relations and of which no declaration speaks. Every other row stays:
 * its key is cleared, or, where that must not be null or the row is kept, the row that it points at stays as well, marked as blocked.
 *
 * @internal
 */
export async function planRemoval(
  em: EntityManager,
  ctx: Transaction,
  candidates: readonly PersonalRow[],
  context: RemovalContext,
): Promise<PlannedRemoval> {
  let remaining = candidates;
  for (;;) {
    const { going, owners } = await withBehind(em, ctx, remaining, context);
    const isEntity = (pivot: EntityMetadata) => context.personal.of(pivot).length > 0;
    const pointing = await findPointing(em, ctx, context.catalog, going, isEntity);
    const blocked = new Set<PersonalRow>();
    for (const row of pointing) {
      const ground = whyStays(row, context);
      if (ground !== undefined) {
        for (const owner of owners.get(rowName(row.target, row.targetKey)) ?? []) {
          owner.blocked ??= ground;
          blocked.add(owner);
        }
      }
    }
    if (blocked.size === 0) {
      return { going, clearing: pointing.filter(({ root }) => !root?.pivotTable) };
    }
    remaining = remaining.filter((row) => !blocked.has(row));
  }
}

/** The rows with what they take along, and for each row those that it goes with. */
async function withBehind(
  em: EntityManager,
  ctx: Transaction,
  candidates: readonly PersonalRow[],
  { catalog, personal, rows, held }: RemovalContext,
): Promise<{ going: RowSet; owners: Map<string, PersonalRow[]> }> {
  const going = new RowSet();
  const owners = new Map<string, PersonalRow[]>();
  let level = new Map<EntityMetadata, RowKey[]>();
  candidates.forEach((row) => owners.set(rowName(row.root, row.key), [row]));
  for (const [root, group] of Map.groupBy(candidates, (row) => row.root)) {
    level.set(
      root,
      await going.add(
        root,
        group.map(({ key }) => key),
      ),
    );
  }
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      const edges = catalog.graph.from(root).filter((edge) => takesAlong(edge) && personal.of(edge.child).length === 0);
      for (const edge of edges) {
        const stays = (key: RowKey) => held.has(edge.child, key) || rows.find(edge.child.root, key)?.needed;
        const behind = (await lockBehind(em, ctx, edge, keys)).filter(({ key }) => !stays(key));
        for (const { key, parent } of behind) {
          const name = rowName(edge.child, key);
          owners.set(name, [...(owners.get(name) ?? []), ...(owners.get(rowName(root, parent)) ?? [])]);
        }
        const added = await going.add(
          edge.child,
          behind.map(({ key }) => key),
        );
        if (added.length > 0) {
          next.set(edge.child.root, [...(next.get(edge.child.root) ?? []), ...added]);
        }
      }
    }
    level = next;
  }
  return { going, owners };
}

/** Why a row that points at another one keeps that in place, if it does. */
function whyStays({ root, key, relation, clearable, isCleared }: PointingRow, { rows, held }: RemovalContext) {
  const own = root && key ? rows.find(root, key) : undefined;
  const name = root && key ? `${root.className} ${key.join(', ')}` : relation;
  const ground = own?.whyStays();
  if (ground) {
    return ground;
  }
  if (root && key && held.has(root, key)) {
    return { ground: `${name} is held`, until: null };
  }
  if (own?.blocked && own.fields.size === 0) {
    // It shows what it did, and a later run finds it by its key alone.
    return { ground: `${name} stays (${own.blocked.ground})`, until: own.blocked.until };
  }
  // A link goes with what it links.
  return clearable.length > 0 || isCleared || root?.pivotTable
    ? undefined
    : { ground: `${relation} of ${name} must point at it`, until: null };
}

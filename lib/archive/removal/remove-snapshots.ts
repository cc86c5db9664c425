import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { MOST_KEYS } from '../../events/most-keys.js';
import type { OperationPart } from '../../events/operation.js';
import { filterSql } from '../../sql/filter-sql.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { arrayText } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import type { AskedSnapshots } from '../reading/asked-snapshots.js';
import { lockOwned, lockSnapshots } from '../restoration/lock-snapshots.js';
import { SnapshotSet, type Snapshot } from '../restoration/snapshot-set.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from './allowed-removal.js';
import { withReadableText } from '../snapshot/with-exact-text.js';

/**
 * Locks archived rows that are asked for, every one of several with the same key, and what was archived along with them.
 *
 * @internal
 */
export function lockSnapshotsAlong(em: EntityManager, ctx: Transaction, asked: AskedSnapshots): Promise<Snapshot[]> {
  const { metaOf } = bySnapshots(em);
  return withReadableText(em, ctx, async () => {
    const { from, where, params } = await asked.resolve(em, ctx);
    const found = new Map<string, Snapshot>();
    let fresh = await lockSnapshots(em, ctx, where, params, from);
    while (fresh.length > 0) {
      const added = fresh.filter((snapshot) => !found.has(identity(snapshot)));
      added.forEach((snapshot) => found.set(identity(snapshot), snapshot));
      const members = added.map(({ part, key, unit }) => ({
        name: `${metaOf(part)?.root.className ?? part}:${key}`,
        unit,
      }));
      fresh = await lockOwned(em, ctx, members);
    }
    return [...found.values()];
  });
}

/** Removes locked rows from the archive for good. @internal */
export async function removeSnapshots(
  em: EntityManager,
  ctx: Transaction,
  snapshots: readonly Snapshot[],
): Promise<void> {
  const parts = snapshots.map(({ part }) => part);
  const keys = arrayText(snapshots.map(({ key }) => key));
  await execute(
    em,
    ctx,
    `with ${ALLOW_REMOVAL}, gone as (delete from ${archiveTable(em)} as a where ${IS_ALLOWED} ` +
      `and a."part" = any(cast(? as text[])) and a."key" = any(cast(? as text[])) and ` +
      filterSql(
        `(a."part", a."key", a."unit") in (select * from unnest(cast(? as text[]), cast(? as text[]), cast(? as timestamptz[])))`,
      ) +
      ` returning 1) select ${endRemovalSql(['gone'])}`,
    [arrayText([...new Set(parts)]), keys, arrayText(parts), keys, arrayText(snapshots.map(({ unit }) => unit))],
  );
}

/** What archived rows are, as it is told: one for each row of an entity, whatever tables it has. @internal */
export function partsOfSnapshots(em: EntityManager, snapshots: readonly Snapshot[]): OperationPart[] {
  const { metaOf } = bySnapshots(em);
  return [...Map.groupBy(snapshots, ({ part }) => part)].flatMap(([part, group]) => {
    const meta = metaOf(part);
    if (!meta || meta.root !== meta || meta.pivotTable) {
      return [];
    }
    const rows = group.map(({ key, unit }) => ({ key: rowKeyOf(meta, key), unit }));
    const keys = rows.length <= MOST_KEYS ? { keys: rows.map(({ key }) => keyFromTexts(em, meta, key)) } : {};
    return [{ meta, count: rows.length, rows, ...keys }];
  });
}

function bySnapshots(em: EntityManager): { metaOf: (part: string) => EntityMetadata | undefined } {
  const set = new SnapshotSet(em.getMetadata());
  return { metaOf: (part) => set.metaOf(part) };
}

function identity({ part, key, unit }: Snapshot): string {
  return JSON.stringify([part, key, unit]);
}

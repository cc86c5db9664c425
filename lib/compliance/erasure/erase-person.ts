import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { readUnits } from '../../deletion/restoration/read-units.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import type { OperationPart, OperationRow } from '../../events/operation.js';
import { getInstallation } from '../../installation/installation.js';
import { findHeld as findInMemory, forgetRemoved } from '../../memory/forget-removed.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { identify, type RowKey, RowSet } from '../../sql/row-set.js';
import { PersonalDataCatalog } from './declaration/personal-data-catalog.js';
import { describeErasure, type DescribedEntity } from './describe-erasure.js';
import { hasErasureHooks } from './hooks/erasure-hooks.js';
import { type BeforeErasure, findActing } from './graph/find-acting.js';
import type { PersonalRow } from './graph/personal-rows.js';
import { overwriteSnapshots, removeSnapshots } from './overwriting/erase-snapshots.js';
import { findUnwritten } from './overwriting/find-unwritten.js';
import { overwriteRows } from './overwriting/overwrite-rows.js';
import { archivedAlong } from './removal/archived-along.js';
import { keepInFront } from './removal/keep-in-front.js';
import { markStayed } from './removal/mark-stayed.js';
import { planRemoval } from './removal/plan-removal.js';
import { removeRows } from './removal/remove-rows.js';
import { findPending, type PendingColumns } from './search/find-pending.js';
import { findResidue } from './search/find-residue.js';
import type { ResidualCell } from './search/residual-cell.js';
import type { OldValues } from './search/old-values.js';
import { readOldValues } from './search/read-old-values.js';
import { pseudonymOf, scrubRecords } from './search/scrub-records.js';
import { syncErased } from './sync-erased.js';

/** What an erasure has found and done. @internal */
export interface DoneErasure {
  readonly entities: readonly DescribedEntity[];
  /** How many columns of rows that were left alone still show what they did. */
  readonly pendingColumns: number;
  /** Whether rows were left alone that would have been erased. */
  readonly isPending: boolean;
  /** Old values that were found elsewhere. */
  readonly cells: readonly ResidualCell[];
  /** How many rows were changed or removed. */
  readonly changed: number;
  /** Whether the person's own row was among those that were to be erased. */
  readonly erasesPerson: boolean;
  /** Whether there was one. */
  readonly isThere: boolean;
}

/**
 * Erases a person's data as declared: overwrites and removes rows in tables and in the archive, leaves alone what is held or kept, and
 * looks for what is left.
 *
 * @param isPreview - leaves records, events and memory alone: the transaction is going to be undone
 * @returns nothing if there is no such person, and nothing left of one
 * @internal
 */
export async function erasePerson(
  em: EntityManager,
  ctx: Transaction,
  subject: EntityMetadata,
  key: RowKey,
  {
    context = {},
    before,
    isPreview = false,
  }: { context?: DeletionContext; before?: BeforeErasure; isPreview?: boolean },
): Promise<DoneErasure | undefined> {
  const { catalog, operations, transactions } = getInstallation(em);
  const personal = PersonalDataCatalog.of(em);
  let earlier: OldValues | undefined;
  const found = await findActing(
    em,
    ctx,
    subject,
    key,
    before && hasErasureHooks(em)
      ? async (rows, acting) => {
          // A handler may overwrite values of which there are copies elsewhere.
          earlier = await readOldValues(em, ctx, rows, earlier, true);
          return before(rows, acting);
        }
      : before,
  );
  if (!found) {
    return undefined;
  }
  const { rows, held, acting } = found;
  const values = await readOldValues(em, ctx, rows, earlier);
  keepInFront(rows);
  const removal = await planRemoval(
    em,
    ctx,
    acting.filter((row) => row.isLive && row.isGoing && !row.blocked),
    { catalog, personal, rows, held: held.inTables },
  );
  const isRemoved = (row: PersonalRow) =>
    row.isLive ? removal.going.has(row.root, row.key) : row.isGoing && !row.blocked;
  const staying = acting.filter((row) => !isRemoved(row));
  const archived = acting.filter((row) => !row.isLive && isRemoved(row));
  const along = await archivedAlong(em, ctx, removal.going, archived, { catalog, personal, rows, held });
  const snapshots = [...archived, ...along];
  const units = operations.isAttended
    ? await readUnits(em, ctx, catalog, await markedRows(em, acting, removal.going))
    : undefined;
  const inMemory = [];
  for (const root of isPreview ? [] : removal.going.entities()) {
    inMemory.push(await findInMemory(em, ctx, root, removal.going));
  }
  const overwritten = [...(await overwriteRows(em, ctx, staying)), ...(await overwriteSnapshots(em, ctx, staying))];
  const unwritten = await findUnwritten(em, ctx, staying);
  const stayed = await removeRows(em, ctx, catalog, removal);
  const gone = await markStayed(em, ctx, rows, removal.going, stayed);
  await removeSnapshots(em, ctx, snapshots);
  const isKept = (row: PersonalRow) => row.fields.size === 0 || unwritten.has(row) || stayed.has(row.root, row.key);
  const leftAlone = rows.declared().filter((row) => row.stays || (row.blocked && isKept(row)));
  const pending = await findPending(em, ctx, leftAlone);
  const parts = partsOf(em, gone, [...overwritten, ...snapshots], units);
  if (!isPreview) {
    inMemory.forEach((entities) => transactions.undoOnRollback(ctx, forgetRemoved(entities)));
    transactions.undoOnRollback(
      ctx,
      await syncErased(
        em,
        ctx,
        overwritten.filter(({ isLive }) => isLive),
        removal.clearing,
      ),
    );
    await operations.complete({ action: 'erased', ...context, parts }, { em, ctx });
  }
  const search = (scrubs: readonly SqlFragment[]) =>
    findResidue(em, ctx, rows, values, { catalog, personal, going: gone, scrubs });
  // While the person's own row is kept or held, records may name the person as it does.
  const isNamed = isPreview || rows.persons.some(({ stays }) => stays);
  const hasValues = values.own.size > 0 || values.areSigned;
  const cells = !hasValues
    ? []
    : isNamed
      ? await search([])
      : await scrubRecords(em, ctx, values, pseudonymOf(subject.root.className, key), search);
  return {
    entities: describeErasure(gone, snapshots, overwritten, leftAlone, pending),
    pendingColumns: [...pending.values()].reduce((sum, columns) => sum + columns.length, 0),
    isPending: pending.size > 0,
    cells: cells.filter((cell) => !isPending(cell, pending)),
    changed: parts.reduce((sum, { count }) => sum + count, 0),
    erasesPerson: acting.some((row) => rows.persons.includes(row)),
    isThere: rows.persons.length > 0,
  };
}

/** Whether a column of a row that was left alone is known to show what it did. */
function isPending({ root, key, unit, column }: ResidualCell, pending: PendingColumns): boolean {
  return pending.get(`${root}:${identify(key)}@${unit ?? ''}`)?.includes(column) ?? false;
}

/** The rows in tables that may have been deleted in a unit. */
async function markedRows(em: EntityManager, rows: readonly PersonalRow[], going: RowSet): Promise<RowSet> {
  const { catalog } = getInstallation(em);
  const live = new RowSet();
  for (const [root, group] of Map.groupBy(
    rows.filter((row) => row.isLive && catalog.find(row.root)),
    (row) => row.root,
  )) {
    await live.add(
      root,
      group.map(({ key }) => key),
    );
  }
  for (const root of going.entities().filter((each) => catalog.find(each))) {
    await live.add(root, going.each(root));
  }
  return live;
}

/** What is told of the erasure: every row that was changed or removed, with its unit if it was deleted. */
function partsOf(
  em: EntityManager,
  going: RowSet,
  rows: readonly PersonalRow[],
  units: ReadonlyMap<EntityMetadata, readonly OperationRow[]> | undefined,
): OperationPart[] {
  const { events } = getInstallation(em);
  const erased = new Map<EntityMetadata, OperationRow[]>();
  const unitsOf = new Map(
    [...(units ?? [])].map(([root, list]) => [root, new Map(list.map((row) => [identify(row.key), row.unit]))]),
  );
  const unitOf = (ofRoot: ReadonlyMap<string, string | null> | undefined, key: RowKey) =>
    ofRoot?.get(identify(key)) ?? null;
  for (const root of going.entities()) {
    const known = unitsOf.get(root);
    erased.set(
      root,
      going.keys(root).map((key) => ({ key, unit: unitOf(known, key) })),
    );
  }
  for (const [root, group] of Map.groupBy(rows, (row) => row.root)) {
    const known = unitsOf.get(root);
    const changed = group.map(({ key, unit }) => ({ key, unit: unit ?? unitOf(known, key) }));
    erased.set(root, [...(erased.get(root) ?? []), ...changed]);
  }
  return [...erased].map(([root, list]) => ({
    meta: root,
    count: list.length,
    ...(events.isObserved && list.length <= 1_000 ? { keys: list.map(({ key }) => keyFromTexts(em, root, key)) } : {}),
    ...(units ? { rows: list } : {}),
  }));
}

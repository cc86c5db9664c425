import type { BatchEnds } from './batch-ends.js';
import type { EntityRun } from '../run/entity-run.js';
import type { BatchTransaction, PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeTable } from '../plan/key-graph.js';
import { removeCompanions, type RemainingCompanions, takeCompanions } from './remove-companions.js';
import { runHooks } from './run-hooks.js';
import type { GoneKeys } from '../fragments/gone-rows-sql.js';
import type { BatchRange } from '../fragments/batch-range.js';
import type { BatchSettings } from '../fragments/batch-settings.js';
import { countSubtable } from '../statements/count-subtable.js';
import { deleteKeys, type KeysRow } from '../statements/delete-keys.js';
import { deleteLocked, type LockedRow } from '../statements/delete-locked.js';
import { deleteParts } from '../statements/delete-parts.js';
import { deleteRange, type RangeRow } from '../statements/delete-range.js';
import { deleteTrees, type TreesRow } from '../statements/delete-trees.js';
import { listClearKeys } from '../statements/list-clear-keys.js';
import { lockKeys } from '../statements/lock-keys.js';
import type { RowCounters } from '../statements/open-batch.js';
import { readCounters } from '../statements/read-counters.js';
import { summarizeRange, type SummaryRow } from '../statements/summarize-range.js';

/**
 * A foreign key of the database was about to delete or change a soft-deletable row that nobody was asked about: it began to
 * reference a purged row while the batch ran. Undone, and tried again with what is known now.
 *
 * @internal
 */
export class EndangeredRowError extends Error {
  constructor(table: string) {
    super(
      `A row of ${table} began to reference a row while it was purged, or a trigger changes rows of ${table} along with it.`,
    );
  }
}

/**
 * A row was locked, due and free to go, and is still there after its removal.
 *
 * @internal
 */
export class KeptRowError extends Error {
  constructor(table: string, hasHooks: boolean) {
    super(
      `A trigger kept the row in ${table}${hasHooks ? ', or an @OnPurge() handler has restored or removed it' : ''}.`,
    );
  }
}

/** What a set of rows has come to. @internal */
export interface Removal {
  /** How many of them were due and could be had. */
  readonly due: number;
  readonly gone: number;
}

/** What a stretch of rows has come to. @internal */
export interface RangeRemoval extends Removal {
  /** The cursor behind it; `undefined` if fewer rows were left than it could hold. */
  readonly last: readonly string[] | undefined;
}

/** The same with which rows went, if somebody asks. */
type ToldRemoval = RangeRemoval & { readonly keys: GoneKeys };

type Timeouts = Pick<BatchSettings, 'lockTimeout' | 'statementTimeout'>;

const IDLE_TIMEOUT = 10_000;
/** What a hook does outside of the database may take its time. */
const IDLE_TIMEOUT_WITH_HOOKS = 60_000;

/** A stretch of rows, and how it is to be removed. @internal */
export interface Stretch {
  readonly range: BatchRange;
  readonly ends: BatchEnds;
  /** Whether blocked rows are left out; otherwise their foreign keys refuse the whole stretch. */
  readonly checks: boolean;
}

/** Removes a stretch of due rows in one statement. @internal */
export async function removeRange(
  connection: PurgeConnection,
  run: EntityRun,
  stretch: Stretch,
  timeouts: Timeouts,
): Promise<RangeRemoval> {
  const counted = run.plan.endangered;
  return connection.transaction(settings(run, timeouts, counted), async (transaction) => {
    const { keys, ...removal } = await (run.plan.selfReferences.length > 0
      ? removeTrees(transaction, run, stretch.range)
      : removeStretch(transaction, run, stretch));
    await refuseIfEndangered(transaction, run, counted, removal.gone);
    run.going(keys);
    return removal;
  });
}

async function removeTrees(transaction: BatchTransaction, run: EntityRun, range: BatchRange): Promise<ToldRemoval> {
  const [row] = await transaction.execute<TreesRow>(deleteTrees(run.rows, range));
  const { due, gone, last, keys } = row!;
  return { due, gone, last: due < range.size ? undefined : last!, keys };
}

async function removeStretch(
  transaction: BatchTransaction,
  run: EntityRun,
  { range, ends, checks }: Stretch,
): Promise<ToldRemoval> {
  const end = range.isSparse ? undefined : await ends.next(transaction, run.rows, range);
  if (end) {
    const removed = await deleteStretch(transaction, run, deleteRange(run.rows, range, end, checks));
    return { due: range.size, ...removed, last: end };
  }
  const [summary] = await transaction.execute<SummaryRow>(summarizeRange(run.rows, range));
  const { due, last } = summary!;
  if (due === 0) {
    return { due: 0, gone: 0, last: undefined, keys: null };
  }
  const removed = await deleteStretch(transaction, run, deleteRange(run.rows, range, last ?? undefined, checks));
  return { due, ...removed, last: due === range.size ? (last ?? undefined) : undefined };
}

async function deleteStretch(transaction: BatchTransaction, run: EntityRun, sql: string): Promise<RangeRow> {
  if (!run.rows.record && !run.rows.isObserved) {
    return { gone: await transaction.change(sql), keys: null };
  }
  const [row] = await transaction.execute<RangeRow & object>(sql);
  return row!;
}

/**
 * Removes rows by their keys: in one statement, or in several where hooks are to be called, parts are removed explicitly, or
 * only locks keep the database's own rules from reaching others.
 *
 * @internal
 */
export async function removeKeys(
  connection: PurgeConnection,
  run: EntityRun,
  keys: readonly string[],
  timeouts: Timeouts,
): Promise<Removal> {
  if (!run.isComposed) {
    const counted = run.plan.endangered;
    return connection.transaction(settings(run, timeouts, counted), async (transaction) => {
      const [row] = await transaction.execute<KeysRow>(deleteKeys(run.rows, keys));
      refuseKept(run, row!.clear, row!.gone);
      await refuseIfEndangered(transaction, run, counted, row!.gone);
      run.going(row!.keys);
      return row!;
    });
  }
  return connection.transaction(settings(run, timeouts, run.plan.endangeredBehindParts), async (transaction) => {
    const locked = (await transaction.execute<{ key: string }>(lockKeys(run.rows, keys))).map(({ key }) => key);
    const clear = locked.length > 0 ? await transaction.execute<{ key: string }>(listClearKeys(run.rows, locked)) : [];
    const gone = await removeLocked(transaction, [{ run, keys: clear.map(({ key }) => key) }]);
    return { due: locked.length, gone: gone[0]! };
  });
}

/** Removes rows that the transaction has locked and checked, with what belongs to them. @internal */
export async function removeLocked(
  transaction: BatchTransaction,
  all: readonly { readonly run: EntityRun; readonly keys: readonly string[] }[],
): Promise<readonly number[]> {
  const companions: RemainingCompanions[] = [];
  for (const { run, keys } of all) {
    if (keys.length > 0) {
      await runHooks(transaction.em, run, keys);
      companions.push(...(await takeCompanions(transaction, run, keys)));
    }
  }
  const counted = [...new Set(all.flatMap(({ run }) => run.plan.endangeredBehindParts))];
  const expected = await countSubtables(transaction, all, counted);
  const before = await count(transaction, counted);
  for (const { run, keys } of all) {
    const { quote } = run.rows;
    for (const part of keys.length > 0 ? run.plan.parts : []) {
      await transaction.execute(deleteParts(run.plan.entity.table, keys, part, quote));
    }
  }
  const [row] = await transaction.execute<LockedRow>(
    deleteLocked(all.map(({ run, keys }) => ({ rows: run.rows, keys }))),
  );
  const hasHooks = all.some(({ run }) => run.hooks.length > 0);
  all.forEach(({ run, keys }, i) => refuseKept(run, keys.length, row!.gone[i]!, hasHooks));
  await removeCompanions(transaction, companions);
  const after = await count(transaction, counted);
  for (const table of counted) {
    const own = all.findIndex(({ run }) => run.plan.entity.table === table);
    refuseUnless(table, before, after, own < 0 ? (expected.get(table) ?? 0) : row!.gone[own]!);
  }
  all.forEach(({ run }, i) => run.going(row!.keys[i]!));
  return row!.gone;
}

/** A row of a table-per-type hierarchy takes its parts in other tables along. */
async function countSubtables(
  transaction: BatchTransaction,
  all: readonly { readonly run: EntityRun; readonly keys: readonly string[] }[],
  counted: readonly PurgeTable[],
): Promise<ReadonlyMap<PurgeTable, number>> {
  const expected = new Map<PurgeTable, number>();
  for (const { run, keys } of all) {
    const { tables, table: root } = run.plan.entity;
    for (const table of counted.filter((other) => other !== root && tables.includes(other))) {
      const sql = countSubtable(root, keys, table, run.rows.quote);
      const [row] = await transaction.execute<{ rows: number }>(sql);
      expected.set(table, row!.rows);
    }
  }
  return expected;
}

function settings(run: EntityRun, timeouts: Timeouts, counted: readonly PurgeTable[]): BatchSettings {
  const hasHooks = run.hooks.length > 0;
  return {
    ...timeouts,
    idleTimeout: hasHooks ? IDLE_TIMEOUT_WITH_HOOKS : IDLE_TIMEOUT,
    hasHooks,
    counted,
  };
}

async function refuseIfEndangered(
  transaction: BatchTransaction,
  run: EntityRun,
  counted: readonly PurgeTable[],
  gone: number,
): Promise<void> {
  if (counted.length === 0 || gone === 0) {
    return;
  }
  const after = await count(transaction, counted);
  for (const table of counted) {
    refuseUnless(table, transaction.counters, after, table === run.plan.entity.table ? gone : 0);
  }
}

async function count(transaction: BatchTransaction, counted: readonly PurgeTable[]): Promise<RowCounters> {
  if (counted.length === 0) {
    return {};
  }
  const [row] = await transaction.execute<{ counters: RowCounters; isCounting: boolean }>(readCounters(counted));
  if (!row!.isCounting) {
    throw new EndangeredRowError(counted[0]!.label);
  }
  return row!.counters;
}

/** Only a trigger, or a hook within the transaction, can keep a locked row. What was removed along with it comes back. */
function refuseKept({ plan }: EntityRun, clear: number, gone: number, hasHooks = false): void {
  if (gone < clear) {
    throw new KeptRowError(plan.entity.table.label, hasHooks);
  }
}

function refuseUnless(table: PurgeTable, before: RowCounters, after: RowCounters, removed: number): void {
  const [removedBefore, changedBefore] = before[table.id]!;
  const [removedAfter, changedAfter] = after[table.id]!;
  if (removedAfter - removedBefore !== removed || changedAfter !== changedBefore) {
    throw new EndangeredRowError(table.label);
  }
}

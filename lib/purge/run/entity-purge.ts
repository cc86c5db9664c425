import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchSize } from '../batch/batch-size.js';
import { classifyFailure, sqlState } from '../connection/classify-failure.js';
import { BatchEnds } from '../batch/batch-ends.js';
import type { EntityRun } from './entity-run.js';
import { type AttemptOutcome, isolateFailures } from './isolate-failures.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { EndangeredRowError, KeptRowError, type RangeRemoval, removeKeys, removeRange } from '../batch/remove-batch.js';
import type { BatchRange, PassOrder } from '../fragments/batch-range.js';
import { type ListedRow, listRange } from '../statements/list-range.js';
import { BY_KEY, IN_ORDER } from '../fragments/plan-settings.js';
import { listDueAmong } from '../statements/list-due-among.js';
import { readTablePages } from '../statements/read-table-pages.js';
import { HoldsChangedError } from '../connection/holds-changed.error.js';
import { StoppedError } from './stop-signal.js';

/** What the batches of one run share. @internal */
export interface BatchContext {
  readonly connection: PurgeConnection;
  readonly size: BatchSize;
  /** How many rows lie between two places at which a batch may end. */
  readonly step: number;
  /** Milliseconds. */
  readonly lockTimeout: number;
  /**
   * Returns how many rows the next batch may remove, once it may begin. Throws if none may, or if the run is to end.
   *
   * @param size - how many it would like to remove
   */
  readonly beforeBatch: (run: EntityRun, size: number) => Promise<number>;
  /** Finds out what holds cover now. */
  readonly holdsChanged: () => Promise<void>;
  /** After each committed batch, with how long the database worked for it: events, progress, the pause. Throws if the run is to end. */
  readonly afterBatch: (run: EntityRun, gone: number, milliseconds: number) => Promise<void>;
}

/** For a single row with a lot hanging on it. */
const LONGEST_STATEMENT_TIMEOUT = 60_000;
/** How many pages a batch looks through for due rows: 64 MB. */
const PAGES_PER_BATCH = 8_192;
/** How often a batch is tried while somebody is in its way. @internal */
export const REPEATS = 4;

/** Goes once through the due rows of an entity and removes those that nothing blocks. @internal */
export async function purgeEntity(run: EntityRun, order: PassOrder, context: BatchContext): Promise<void> {
  const { connection, size } = context;
  const [table] =
    order === 'place' ? await connection.read<{ pages: number }>(readTablePages(run.plan.entity.table)) : [];
  const pages = table?.pages ?? 0;
  const ends = new BatchEnds(context.step);
  let cursor: readonly string[] | undefined;
  let isSparse = false;
  run.startPass();
  for (;;) {
    const room = await context.beforeBatch(run, ends.round(size.current));
    const page = order === 'place' ? pageOf(cursor) : 0;
    const range: BatchRange = {
      order,
      isSparse,
      cursor,
      size: room,
      untilPage: order === 'place' ? Math.min(page + PAGES_PER_BATCH, pages + 1) : 0,
    };
    const measure = connection.clock.start();
    const batch = run.isComposed ? await listed(run, range, context) : await ranged(run, range, ends, context);
    if (!batch) {
      continue;
    }
    const { worked, network } = measure();
    size.took(worked, batch.due, network);
    // A row may become due between two looks at it, too.
    run.passedOver += Math.max(0, batch.due - batch.gone);
    if (batch.due > 0) {
      await context.afterBatch(run, batch.gone, worked);
    }
    isSparse = order === 'place' && batch.last === undefined;
    if (batch.last) {
      cursor = batch.last;
    } else if (order === 'place' && range.untilPage <= pages) {
      cursor = [`(${range.untilPage},0)`];
    } else {
      return;
    }
  }
}

/** A stretch of rows in one statement. What stands in its way is found out row by row. `undefined`: to be tried again. */
async function ranged(
  run: EntityRun,
  range: BatchRange,
  ends: BatchEnds,
  context: BatchContext,
): Promise<RangeRemoval | undefined> {
  const { connection, lockTimeout, size } = context;
  const checks = !run.optimistic.isAllowed;
  try {
    const timeouts = { lockTimeout, statementTimeout: size.statementTimeout };
    const removal = await removeRange(connection, run, { range, ends, checks }, timeouts);
    run.batches += removal.due > 0 ? 1 : 0;
    run.went(removal.gone);
    if (checks) {
      run.optimistic.checked(removal.due - removal.gone);
    }
    return removal;
  } catch (error) {
    if (error instanceof HoldsChangedError) {
      await context.holdsChanged();
      return undefined;
    }
    const kind = kindOf(error);
    if (kind === 'fatal' || kind === 'connection') {
      throw error;
    }
    if (kind === 'slow' && range.size > 1) {
      size.timedOut();
      return undefined;
    }
    if (!checks && (kind === 'endangered' || sqlState(error) === '23503')) {
      run.optimistic.refused();
      return undefined;
    }
    run.locksFirst ||= kind === 'endangered';
    return listed(run, range, context);
  }
}

/** The same rows by their keys. */
async function listed(run: EntityRun, range: BatchRange, context: BatchContext): Promise<RangeRemoval> {
  const rows = await context.connection.read<ListedRow>(listRange(run.rows, range), IN_ORDER);
  const keys = rows.map(({ key }) => key);
  const gone = await purgeKeys(run, keys, context);
  return { due: keys.length, gone, last: keys.length < range.size ? undefined : rows.at(-1)!.last };
}

/**
 * Removes the rows of a list, isolating those that fail. Returns how many went.
 *
 * @internal
 */
export async function purgeKeys(run: EntityRun, keys: readonly string[], context: BatchContext): Promise<number> {
  const before = run.purged;
  await isolateFailures(
    keys.filter((key) => !run.failures.has(key)),
    (some) => attempt(run, some, context),
    (key, error) => {
      const kind = kindOf(error);
      if (kind === 'locked' || kind === 'again') {
        run.metLocked(1);
      } else {
        run.fail(key, error);
      }
    },
  );
  return run.purged - before;
}

async function attempt(run: EntityRun, asked: readonly string[], context: BatchContext): Promise<AttemptOutcome> {
  for (let repeat = 1; ; repeat++) {
    const keys = asked.filter((key) => !run.held.has(key));
    if (keys.length === 0) {
      return 'done';
    }
    try {
      const removal = await removeKeys(context.connection, run, keys, {
        lockTimeout: context.lockTimeout,
        statementTimeout: keys.length === 1 ? LONGEST_STATEMENT_TIMEOUT : context.size.statementTimeout,
      });
      run.batches++;
      run.went(removal.gone);
      if (removal.due < keys.length) {
        // Others have them locked, or have restored or removed them.
        const due = await context.connection.read(listDueAmong(run.rows, keys), BY_KEY);
        run.metLocked(Math.max(0, due.length - (removal.due - removal.gone)));
      }
      return 'done';
    } catch (error) {
      if (error instanceof HoldsChangedError) {
        await context.holdsChanged();
        repeat--;
        continue;
      }
      const kind = kindOf(error);
      if (kind === 'fatal' || kind === 'connection') {
        throw error;
      }
      // A child that was added after the statement began makes its foreign key fail. The next statement sees the child.
      // So it is with a row that was changed just then: the statement has locked the new version, but does not see it.
      const isKept = error instanceof KeptRowError;
      const isRace =
        kind === 'again' || kind === 'endangered' || sqlState(error) === '23503' || (isKept && keys.length === 1);
      if (kind === 'endangered') {
        run.locksFirst = true;
      }
      if (kind === 'slow') {
        context.size.timedOut();
      }
      if (isRace && repeat < (kind === 'row' ? 2 : REPEATS)) {
        await sleep(Math.random() * 20 * repeat);
        continue;
      }
      return { error, isCertain: kind === 'row' && !isKept };
    }
  }
}

function kindOf(error: unknown) {
  if (error instanceof StoppedError) {
    return 'fatal';
  }
  return error instanceof EndangeredRowError ? 'endangered' : classifyFailure(error);
}

function pageOf(cursor: readonly string[] | undefined): number {
  return cursor ? Number(cursor[0]!.slice(1, cursor[0]!.indexOf(','))) : 0;
}

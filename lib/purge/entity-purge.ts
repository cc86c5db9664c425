import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchSize } from './batch-size.js';
import { classifyFailure, sqlState } from './classify-failure.js';
import type { EntityRun } from './entity-run.js';
import { type AttemptOutcome, isolateFailures } from './isolate-failures.js';
import type { PurgeConnection } from './purge-connection.js';
import { EndangeredRowError, type Removal, removeKeys, removeRange } from './remove-batch.js';
import type { BatchRange } from './statements/batch-range.js';
import { deleteByAge } from './statements/delete-by-age.js';
import { deleteByPlace } from './statements/delete-by-place.js';
import { deleteTrees } from './statements/delete-trees.js';
import { type ListedRow, listRange } from './statements/list-range.js';
import { StoppedError } from './stop-signal.js';
import { readTablePages } from './statements/read-table-pages.js';
import { sampleDue, type SampleRow } from './statements/sample-due.js';

/** In which order a pass goes through the due rows of a table. @internal */
export type PassOrder = 'place' | 'age' | 'youth';

/** What the batches of one run share. @internal */
export interface BatchContext {
  readonly connection: PurgeConnection;
  readonly size: BatchSize;
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** After each committed batch, with how long it took: events, progress, the pause. Throws if the run is to end. */
  readonly afterBatch: (run: EntityRun, gone: number, milliseconds: number) => Promise<void>;
}

/** Longer than any batch should take, so that the next ones are smaller. */
const STATEMENT_TIMEOUT = 1_000;
/** For a single row with a lot hanging on it. */
const LONGEST_STATEMENT_TIMEOUT = 60_000;
/** How many pages a batch looks through for due rows: 64 MB. */
const PAGES_PER_BATCH = 8_192;
const REPEATS = 4;

/**
 * Chooses the order in which the fewest pages are read: by age where few rows are due or where the oldest stand together, by place
 * where the due rows are all over the table.
 *
 * @internal
 */
export async function chooseOrder(connection: PurgeConnection, run: EntityRun): Promise<PassOrder> {
  const { entity, selfReferences } = run.plan;
  if (!entity.hasPurgeIndex && !entity.table.isPartitioned) {
    return 'place';
  }
  if (selfReferences.length > 0) {
    return 'youth';
  }
  if (entity.table.isPartitioned) {
    return 'age';
  }
  const [sample] = await connection.read<SampleRow>(sampleDue(run.rows));
  const { due, pages, sampled, sampledPages } = sample!;
  const isDense = due >= pages;
  const standsTogether = sampledPages * 8 <= sampled;
  return isDense && !standsTogether ? 'place' : 'age';
}

/** Goes once through the due rows of an entity and removes those that nothing blocks. @internal */
export async function purgeEntity(run: EntityRun, order: PassOrder, context: BatchContext): Promise<void> {
  const { connection, size } = context;
  const [table] =
    order === 'place' ? await connection.read<{ pages: number }>(readTablePages(run.plan.entity.table)) : [];
  const pages = table?.pages ?? 0;
  let cursor: readonly string[] | undefined;
  run.passedOver = 0;
  for (;;) {
    const page = order === 'place' ? pageOf(cursor) : 0;
    const range: BatchRange = {
      cursor,
      size: size.current,
      untilPage: order === 'place' ? Math.min(page + PAGES_PER_BATCH, pages + 1) : 0,
    };
    const start = performance.now();
    const batch = run.isComposed ? await listed(run, range, order, context) : await ranged(run, range, order, context);
    if (!batch) {
      continue;
    }
    const took = performance.now() - start;
    size.took(took, batch.due);
    run.passedOver += batch.due - batch.gone;
    if (batch.due > 0) {
      await context.afterBatch(run, batch.gone, took);
    }
    if (batch.due < range.size) {
      if (order !== 'place' || range.untilPage > pages) {
        return;
      }
      cursor = [`(${range.untilPage},0)`];
    } else {
      cursor = batch.last!;
    }
  }
}

interface PassedBatch {
  readonly due: number;
  readonly gone: number;
  readonly last: readonly string[] | null;
}

/** A stretch of rows in one statement. What stands in its way is found out row by row. `undefined`: try a smaller one. */
async function ranged(
  run: EntityRun,
  range: BatchRange,
  order: PassOrder,
  context: BatchContext,
): Promise<PassedBatch | undefined> {
  const statements = { place: deleteByPlace, age: deleteByAge, youth: deleteTrees };
  const timeouts = { lockTimeout: context.lockTimeout, statementTimeout: STATEMENT_TIMEOUT };
  try {
    const row = await removeRange(context.connection, run, statements[order](run.rows, range), timeouts);
    run.batches += row.due > 0 ? 1 : 0;
    run.purged += row.gone;
    return row;
  } catch (error) {
    switch (kindOf(error)) {
      case 'slow':
        if (range.size > 1) {
          context.size.timedOut();
          return undefined;
        }
        break;
      case 'endangered':
        run.locksFirst = true;
        break;
      case 'fatal':
      case 'connection':
        throw error;
      default:
    }
    return listed(run, range, order, context);
  }
}

/** The same rows by their keys. */
async function listed(
  run: EntityRun,
  range: BatchRange,
  order: PassOrder,
  context: BatchContext,
): Promise<PassedBatch> {
  const rows = await context.connection.read<ListedRow>(listRange(run.rows, range, order));
  const keys = rows.map(({ key }) => key);
  const gone = await purgeKeys(run, keys, context);
  return { due: keys.length, gone, last: rows.at(-1)?.last ?? null };
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
      if (kind !== 'locked' && kind !== 'again') {
        run.fail(key, error);
      }
    },
  );
  return run.purged - before;
}

async function attempt(run: EntityRun, keys: readonly string[], context: BatchContext): Promise<AttemptOutcome> {
  for (let repeat = 1; ; repeat++) {
    try {
      const removal: Removal = await removeKeys(context.connection, run, keys, {
        lockTimeout: context.lockTimeout,
        statementTimeout: keys.length === 1 ? LONGEST_STATEMENT_TIMEOUT : STATEMENT_TIMEOUT,
      });
      run.batches++;
      run.purged += removal.gone;
      return 'done';
    } catch (error) {
      const kind = kindOf(error);
      if (kind === 'fatal' || kind === 'connection') {
        throw error;
      }
      // A child that was added after the statement began makes its foreign key fail. The next statement sees the child.
      const isRace = kind === 'again' || kind === 'endangered' || sqlState(error) === '23503';
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
      return { error, isCertain: kind === 'row' };
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

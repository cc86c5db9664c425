import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { LegalHoldError } from '../errors/legal-hold.error.js';
import type { HoldTables } from '../installation/hold-tables.js';
import { getInstallation } from '../installation/installation.js';
import { type ActiveHold, LOCK_FOR_REMOVAL_SQL, readActiveHolds, readHeldRows } from '../sql/held-rows.js';
import type { RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/** How long to wait for a second connection, in milliseconds. */
const PATIENCE = 10_000;

/** A hold that covers rows which are about to be removed. @internal */
export interface HoldInTheWay {
  readonly hold: ActiveHold;
  /** How many of the rows it covers, by entity. */
  readonly held: Readonly<Record<string, number>>;
}

/** How many of the rows that are about to be removed a hold covers, by entity, by all that it covers. */
type Covered = (held: RowSet) => Readonly<Record<string, number>>;

/**
 * The holds that cover rows which are about to be removed. None can be placed before the transaction ends. Costs two statements where
 * holds may be placed, and more where some are.
 *
 * @internal
 */
export async function findHolds(em: EntityManager, ctx: Transaction, rows: RowSet): Promise<HoldInTheWay[]> {
  const covered: Covered = (held) => {
    const counts = rows
      .entities()
      .map((root) => [root.className, held.keys(root).filter((key) => rows.has(root, key)).length] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  };
  return rows.entities().length > 0 ? findHoldsBy(em, ctx, covered) : [];
}

/** The same for rows of which something else says whether a hold covers them. @internal */
export async function findHoldsBy(em: EntityManager, ctx: Transaction, covered: Covered): Promise<HoldInTheWay[]> {
  const { holds: tables } = getInstallation(em);
  if (!tables) {
    return [];
  }
  const [locked] = await execute<{ isCurrent: boolean }>(
    em,
    ctx,
    `select ${LOCK_FOR_REMOVAL_SQL}, current_setting('transaction_isolation') like 'read%' as "isCurrent"`,
  );
  const found = await holdsOver(em, ctx, tables, covered);
  return locked!.isCurrent ? found : [...found, ...(await inTime(holdsOver(em, undefined, tables, covered, found)))];
}

/**
 * A transaction with an older snapshot does not see what was placed since. Another connection of the pool does, if there is one to be
 * had: where all of them wait for another, nobody would ever get it.
 */
async function inTime(others: Promise<HoldInTheWay[]>): Promise<HoldInTheWay[]> {
  others.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new SoftDeleteConfigError(
            'isolationLevel',
            `the snapshot of this transaction does not show legal holds that were placed since, and no second connection was free within ${PATIENCE / 1_000} s to read them.`,
            'Remove rows in a transaction of IsolationLevel.READ_COMMITTED, or give the pool more connections.',
          ),
        ),
      PATIENCE,
    );
  });
  return Promise.race([others, late]).finally(() => clearTimeout(timer));
}

async function holdsOver(
  em: EntityManager,
  ctx: Transaction | undefined,
  tables: HoldTables,
  covered: Covered,
  except: readonly HoldInTheWay[] = [],
): Promise<HoldInTheWay[]> {
  const found: HoldInTheWay[] = [];
  for (const hold of await readActiveHolds(em, ctx, tables)) {
    if (except.some((other) => other.hold.id === hold.id)) {
      continue;
    }
    const held = covered(await readHeldRows(em, ctx, tables, [hold]));
    if (Object.keys(held).length > 0) {
      found.push({ hold, held });
    }
  }
  return found;
}

/**
 * @throws LegalHoldError if a hold covers one of the rows
 * @internal
 */
export async function refuseIfHeld(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<void> {
  refuseHeld(meta, await findHolds(em, ctx, rows));
}

/** @throws LegalHoldError if there are any @internal */
export function refuseHeld(meta: EntityMetadata, found: readonly HoldInTheWay[]): void {
  if (found.length > 0) {
    const held: Record<string, number> = {};
    for (const [name, count] of found.flatMap((each) => Object.entries(each.held))) {
      held[name] = Math.max(held[name] ?? 0, count);
    }
    throw new LegalHoldError(
      meta.className,
      found.map(({ hold }) => hold),
      held,
    );
  }
}

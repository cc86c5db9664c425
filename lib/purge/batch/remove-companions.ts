import type { EntityRun } from '../run/entity-run.js';
import type { BatchTransaction } from '../connection/purge-connection.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import { deleteCompanions } from '../statements/delete-companions.js';
import { deleteParts } from '../statements/delete-parts.js';
import { listCompanions } from '../statements/list-companions.js';
import { listUnneeded } from '../statements/list-unneeded.js';
import { lockCompanions } from '../statements/lock-companions.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** Rows that purged rows pointed at, remembered before those went. @internal */
export interface RemainingCompanions {
  readonly companion: EntityPlan['companions'][number];
  readonly keys: readonly string[];
  readonly quote: QuoteValue;
}

/** @internal */
export async function takeCompanions(
  transaction: BatchTransaction,
  { plan, rows: { quote } }: EntityRun,
  keys: readonly string[],
): Promise<RemainingCompanions[]> {
  const taken: RemainingCompanions[] = [];
  for (const companion of plan.companions) {
    const rows = await transaction.execute<{ key: string }>(
      listCompanions(plan.entity.table, keys, companion.companion, quote),
    );
    if (rows.length > 0) {
      taken.push({ companion, keys: rows.map(({ key }) => key), quote });
    }
  }
  return taken;
}

/** Removes those of them that nothing references any more. @internal */
export async function removeCompanions(
  transaction: BatchTransaction,
  all: readonly RemainingCompanions[],
): Promise<void> {
  for (const { companion, keys, quote } of all) {
    const { table } = companion.companion;
    const list = async (sql: string) => (await transaction.execute<{ key: string }>(sql)).map(({ key }) => key);
    const locked = await list(lockCompanions(table, keys, quote));
    const unneeded = locked.length > 0 ? await list(listUnneeded(table, locked, companion.plan.blockers, quote)) : [];
    if (unneeded.length === 0) {
      continue;
    }
    for (const part of companion.plan.parts) {
      await transaction.execute(deleteParts(table, unneeded, part, quote));
    }
    await transaction.execute(deleteCompanions(table, unneeded, quote));
  }
}

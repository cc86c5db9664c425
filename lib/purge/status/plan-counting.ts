import type { PurgeTable } from '../plan/key-graph.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { Settings } from '../fragments/configure-transaction.js';
import { hasMoreDue } from '../statements/has-more-due.js';
import { BY_KEY, COUNTING, IN_ORDER } from '../fragments/plan-settings.js';
import type { DueRows } from '../fragments/row-sql.js';

/** How what references due rows is found. @internal */
export interface CountingPlan {
  /** Whether it is looked up for each due row, by the indexes on its keys. */
  readonly areFew: boolean;
  readonly settings: Settings;
}

/**
 * Chooses how to find out what references the due rows, by counting them, as far as that matters: looked up one by one where they
 * are fewer than the pages of the tables, so that the cost follows the due rows. Right after a purge the planner still expects all
 * that is gone, and would read whole tables for a few rows; autoanalyze does not come for one row in a hundred.
 *
 * @internal
 */
export async function planCounting(connection: PurgeConnection, due: readonly DueRows[]): Promise<CountingPlan> {
  const tables: ReadonlySet<PurgeTable> = new Set(
    due.flatMap(({ plan: { entity, blockers } }) => [
      ...(entity.hasPurgeIndex ? [entity.table] : []),
      ...blockers.flatMap(({ hops }) =>
        hops.map(({ reference }) => reference).flatMap(({ isIndexed, from }) => (isIndexed ? [from] : [])),
      ),
    ]),
  );
  const pages = [...tables].reduce((total, table) => total + table.pages, 0);
  const isIndexed = due.every(({ plan }) => plan.entity.hasPurgeIndex);
  const [row] = await connection.read<{ hasMore: boolean }>(hasMoreDue(due, pages), isIndexed ? IN_ORDER : COUNTING);
  return !row!.hasMore ? { areFew: true, settings: BY_KEY } : { areFew: false, settings: COUNTING };
}

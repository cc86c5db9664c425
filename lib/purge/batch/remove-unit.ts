import type { EntityRun } from '../run/entity-run.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { removeLocked } from './remove-batch.js';
import { listUnit, type UnitRow } from '../statements/list-unit.js';
import { lockKeys } from '../statements/lock-keys.js';
import { BY_KEY } from '../fragments/plan-settings.js';

const LARGEST_UNIT = 10_000;
/** As for any batch; a single unit, which cannot be made smaller, may take longer. */
const STATEMENT_TIMEOUT = 500;
const LONGEST_STATEMENT_TIMEOUT = 60_000;

/**
 * Removes rows together with all rows that reference them, at any distance: the way out where rows reference each other in a circle
 * and none can go first. Returns how many rows of each entity went; `undefined` if any of them is locked, or if there are too many.
 *
 * @internal
 */
export async function removeUnit(
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  e: number,
  keys: readonly string[],
  lockTimeout: number,
): Promise<readonly number[] | undefined> {
  const all = runs.map(({ rows }) => rows);
  const sql = listUnit(all, e, keys, LARGEST_UNIT + 1);
  const unit = await connection.read<UnitRow>(sql, BY_KEY);
  const isHeld = unit.some((row) => runs[row.e]!.held.has(row.key));
  if (unit.length > LARGEST_UNIT || isHeld) {
    return undefined;
  }
  const hasHooks = runs.some(({ hooks }) => hooks.length > 0);
  const settings = {
    lockTimeout,
    statementTimeout: keys.length > 1 ? STATEMENT_TIMEOUT : LONGEST_STATEMENT_TIMEOUT,
    idleTimeout: LONGEST_STATEMENT_TIMEOUT,
    hasHooks,
    counted: [],
  };
  const keysOf = (rows: readonly UnitRow[], position: number) =>
    rows.filter((row) => row.e === position).map((row) => row.key);
  return connection.transaction(settings, async (transaction) => {
    for (const [position, run] of runs.entries()) {
      const wanted = keysOf(unit, position);
      const locked = wanted.length > 0 ? await transaction.execute(lockKeys(run.rows, wanted)) : [];
      if (locked.length !== wanted.length) {
        return undefined;
      }
    }
    // What was added since the unit was first read is seen now, and nothing can be added to a locked row.
    const again = await transaction.execute<UnitRow>(sql);
    if (again.length !== unit.length) {
      return undefined;
    }
    return removeLocked(
      transaction,
      runs.map((run, position) => ({ run, keys: keysOf(unit, position) })),
    );
  });
}

import type { EntityRun } from './entity-run.js';
import type { PurgeConnection } from './purge-connection.js';
import { removeLocked } from './remove-batch.js';
import { listUnit, type UnitRow } from './statements/list-unit.js';
import { lockKeys } from './statements/lock-keys.js';

const LARGEST_UNIT = 10_000;
const STATEMENT_TIMEOUT = 60_000;

/**
 * Removes a row together with all rows that reference it, at any distance: the way out where rows reference each other in a circle
 * and none can go first. Returns how many rows of each entity went: none if any of them is locked, or if there are too many.
 *
 * @internal
 */
export async function removeUnit(
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  e: number,
  key: string,
  lockTimeout: number,
): Promise<readonly number[]> {
  const all = runs.map(({ rows }) => rows);
  const sql = listUnit(all, e, key, LARGEST_UNIT + 1);
  const unit = await connection.read<UnitRow>(sql);
  if (unit.length > LARGEST_UNIT) {
    return runs.map(() => 0);
  }
  const hasHooks = runs.some(({ hooks }) => hooks.length > 0);
  const settings = {
    lockTimeout,
    statementTimeout: STATEMENT_TIMEOUT,
    idleTimeout: STATEMENT_TIMEOUT,
    hasHooks,
    counted: [],
  };
  const keysOf = (rows: readonly UnitRow[], position: number) =>
    rows.filter((row) => row.e === position).map((row) => row.key);
  return connection.transaction(settings, async (transaction) => {
    for (const [position, run] of runs.entries()) {
      const keys = keysOf(unit, position);
      const locked = keys.length > 0 ? await transaction.execute(lockKeys(run.rows, keys)) : [];
      if (locked.length !== keys.length) {
        return runs.map(() => 0);
      }
    }
    // What was added since the unit was first read is seen now, and nothing can be added to a locked row.
    const again = await transaction.execute<UnitRow>(sql);
    if (again.length !== unit.length) {
      return runs.map(() => 0);
    }
    return removeLocked(
      transaction,
      runs.map((run, position) => ({ run, keys: keysOf(unit, position) })),
    );
  });
}

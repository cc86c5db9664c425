import type { PurgeConnection } from '../connection/purge-connection.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import type { EntityRun } from '../run/entity-run.js';
import { listUnit, type UnitRow } from '../statements/list-unit.js';
import { lockKeys } from '../statements/lock-keys.js';

/** How many rows are tried to lock: the locks last a moment only, but each costs a write. */
const AT_MOST = 10_000;

/**
 * The keys of rows that somebody has locked just now, by run: of the given due rows of one entity, and of due rows that have to go before
 * them. Tries to lock them, waits for nobody, and lets go at once.
 *
 * @param e - the position of the entity
 * @internal
 */
export async function findLocked(
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  e: number,
  keys: readonly string[],
): Promise<ReadonlyMap<EntityRun, readonly string[]>> {
  const all = runs.map(({ rows }) => rows);
  const unit = await connection.read<UnitRow>(listUnit(all, e, keys, AT_MOST, true), BY_KEY);
  const locked = new Map<EntityRun, readonly string[]>();
  for (const [position, run] of runs.entries()) {
    const own = unit.filter((row) => row.e === position).map(({ key }) => key);
    if (own.length > 0) {
      const rows = await connection.lock<{ key: string }>(lockKeys(run.rows, own));
      const had = new Set(rows.map(({ key }) => key));
      locked.set(
        run,
        own.filter((key) => !had.has(key)),
      );
    }
  }
  return locked;
}

import type { PurgeEntity } from './key-graph.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type ClockRow, readClock } from '../statements/read-clock.js';

/** @internal */
export interface Cutoff {
  /** UTC, to the microsecond. */
  readonly text: string;
  readonly date: Date;
}

/** @internal */
export interface DueTimes {
  /** The database's clock. */
  readonly now: Date;
  /** By entity; those that are kept forever have none. */
  readonly cutoffs: ReadonlyMap<string, Cutoff>;
}

/** Far enough back for any row, and not so far that the database's calendar ends. */
const LONGEST = 1_000 * 365 * 24 * 60 * 60 * 1_000;

/** The retention of an entity, unless a run is stricter. @internal */
export function retentionOf(
  entity: PurgeEntity,
  byDefault: number | 'forever',
  olderThan?: number,
): number | 'forever' {
  if (entity.retention === 'forever') {
    return 'forever';
  }
  const retention = entity.retention ?? byDefault;
  if (olderThan === undefined) {
    return retention;
  }
  return retention === 'forever' ? olderThan : Math.max(retention, olderThan);
}

/** One cut-off per entity, all from one reading of the database's clock. @internal */
export async function readDueTimes(
  connection: PurgeConnection,
  entities: readonly PurgeEntity[],
  byDefault: number | 'forever',
  olderThan?: number,
): Promise<DueTimes> {
  const [row] = await connection.read<ClockRow>(readClock());
  const cutoffs = entities.flatMap((entity) => {
    const retention = retentionOf(entity, byDefault, olderThan);
    return retention === 'forever' ? [] : [[entity.name, before(row!.now, Math.min(retention, LONGEST))] as const];
  });
  return { now: before(row!.now, 0).date, cutoffs: new Map(cutoffs) };
}

/**
 * @param now - microseconds since 1970, as text
 * @param age - milliseconds
 */
function before(now: string, age: number): Cutoff {
  const date = new Date(Number(now.slice(0, -3)) - Math.ceil(age));
  return { text: `${date.toISOString().slice(0, -1)}${now.slice(-3)}+00`, date };
}

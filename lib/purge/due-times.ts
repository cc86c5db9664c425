import type { PurgeEntity } from './key-graph.js';
import type { PurgeConnection } from './purge-connection.js';
import { type CutoffRow, readCutoffs } from './statements/read-cutoffs.js';

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
  const limited = entities.flatMap((entity) => {
    const retention = retentionOf(entity, byDefault, olderThan);
    return retention === 'forever' ? [] : [{ entity, ms: Math.min(retention, LONGEST) }];
  });
  const sql = readCutoffs(
    limited.map(({ ms }) => ms),
    connection.quote,
  );
  const [row] = await connection.read<CutoffRow>(sql);
  const cutoffs = limited.map(({ entity }, i) => [entity.name, toCutoff(row!.cutoffs[i]!)] as const);
  return { now: toCutoff(row!.now).date, cutoffs: new Map(cutoffs) };
}

function toCutoff(text: string): Cutoff {
  return { text, date: new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`) };
}

import { type Duration, parseDuration } from '../../options/duration.js';
import type { PurgeThrottle } from '../../options/purge-throttle.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';

/**
 * What tells how far the standbys are behind. A user who may not see it sees rows without a state.
 *
 * The lag of a standby is that of what it has replayed last, and stays after it has replayed all, until it reports again: ten seconds
 * where nothing else is written. One that has not caught up since it connected has none to speak of.
 */
const LAG_SQL = `select coalesce(max(case when replay_lsn < current then extract(epoch from replay_lag) * 1000 end), 0)::float8 as lag,
  coalesce(bool_or(state = 'catchup'), false) as "isCatchingUp", count(*) filter (where state is null)::int as hidden
from pg_stat_replication,
  (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as current) as w`;

/**
 * Returns a throttle that waits while the lag of a streaming standby exceeds `max`, or while it has not caught up since it connected. The
 * database user needs the role `pg_monitor`. The throttle does not wait for a standby that is not connected.
 *
 * ```ts
 * purge: { throttle: replicationLag({ max: '10s' }) }
 * ```
 *
 * @throws SoftDeleteConfigError if `max` is not a duration
 * @publicApi
 */
export function replicationLag(options: { readonly max: Duration }): PurgeThrottle {
  refuseUnknownOptions('replicationLag()', options, ['max']);
  const max = parseDuration('replicationLag(), max', options.max);
  return async (_state, database) => {
    const [row] = await database.read<{ lag: number; isCatchingUp: boolean; hidden: number }>(LAG_SQL);
    if (row!.hidden > 0) {
      throw new SoftDeleteConfigError(
        'replicationLag()',
        'the database user may not read the lag of the standbys.',
        'Grant it the role: grant pg_monitor to <user>.',
      );
    }
    return row!.isCatchingUp || row!.lag > max ? 'wait' : 'go';
  };
}

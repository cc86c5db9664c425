import { type Duration, parseDuration } from '../../options/duration.js';
import type { PurgeThrottle } from '../../options/purge-throttle.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';

/** What tells how far the standbys are behind. A user who may not see it sees rows without a state. */
const LAG_SQL = `select coalesce(max(extract(epoch from replay_lag)) * 1000, 0)::float8 as lag,
  count(*) filter (where state is null)::int as hidden from pg_stat_replication`;

/**
 * A throttle that waits while a streaming standby is further behind than it may be. The database user needs the role `pg_monitor`.
 *
 * ```ts
 * purge: { throttle: replicationLag({ max: '10s' }) }
 * ```
 *
 * @throws SoftDeleteConfigError if `max` is no duration
 * @publicApi
 */
export function replicationLag(options: { readonly max: Duration }): PurgeThrottle {
  refuseUnknownOptions('replicationLag()', options, ['max']);
  const max = parseDuration('replicationLag(), max', options.max);
  return async (_state, database) => {
    const [row] = await database.read<{ lag: number; hidden: number }>(LAG_SQL);
    if (row!.hidden > 0) {
      throw new SoftDeleteConfigError(
        'replicationLag()',
        'the database user may not see how far the standbys are behind.',
        'Grant it the role: grant pg_monitor to <user>.',
      );
    }
    return row!.lag > max ? 'wait' : 'go';
  };
}

import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { PurgeThrottle } from '../../options/purge-throttle.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';

/**
 * Returns a throttle that waits while more than a share of a table's rows is dead, until a vacuum has caught up with the purge. Set a
 * `timeBudget`: if autovacuum is off, it waits until the run ends.
 *
 * ```ts
 * purge: { throttle: vacuumBacklog({ maxDeadShare: 0.2 }), timeBudget: '1h' }
 * ```
 *
 * @throws SoftDeleteConfigError if `maxDeadShare` is not between 0 and 1
 * @publicApi
 */
export function vacuumBacklog(options: { readonly maxDeadShare: number }): PurgeThrottle {
  refuseUnknownOptions('vacuumBacklog()', options, ['maxDeadShare']);
  const { maxDeadShare } = options;
  if (typeof maxDeadShare !== 'number' || !(maxDeadShare > 0 && maxDeadShare < 1)) {
    throw new SoftDeleteConfigError(
      'vacuumBacklog(), maxDeadShare',
      `${showValue(maxDeadShare)} is not a share.`,
      'Write a number between 0 and 1, such as 0.2.',
    );
  }
  return async (_state, database) => {
    const table = `cast(${database.quote(database.table)} as regclass)`;
    const [row] = await database.read<{ share: number }>(
      `select coalesce(sum(s.n_dead_tup) / nullif(sum(s.n_live_tup + s.n_dead_tup), 0), 0)::float8 as share
      from pg_stat_all_tables as s
      where s.relid = ${table} or s.relid in (select t.relid from pg_partition_tree(${table}) as t where t.isleaf)`,
    );
    return row!.share > maxDeadShare ? 'wait' : 'go';
  };
}

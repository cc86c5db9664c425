import { filterSql } from '../../sql/filter-sql.js';
import { arrayText } from '../../sql/row-set.js';

/**
 * A condition on rows `a` of the archive: that they are among given ones. The key leads to them by the index; key and unit are looked up
 * in a hash table, never joined: of rows that have just been archived the statistics know nothing, and the planner would go through the
 * whole list again for each of them.
 *
 * @internal
 */
export const AMONG_SNAPSHOTS = `(a."key" = any(cast(? as text[])) and ${filterSql(
  `(a."key", a."unit") in (select * from unnest(cast(? as text[]), cast(? as timestamptz[])))`,
)})`;

/** Its parameters. @internal */
export function amongSnapshots(snapshots: readonly { readonly key: string; readonly unit: string }[]): string[] {
  const keys = arrayText(snapshots.map(({ key }) => key));
  return [keys, keys, arrayText(snapshots.map(({ unit }) => unit))];
}

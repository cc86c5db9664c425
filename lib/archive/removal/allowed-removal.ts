import { ARCHIVE_REMOVAL_SETTING } from '../../sql/guard-setting.js';

const FORMER = '"soft-delete:former"';
const ALLOWED = '"soft-delete:allowed"';

/**
 * What allows one statement to remove archived rows, and nothing after it: parts of its WITH clause, which come first.
 *
 * @internal
 */
export const ALLOW_REMOVAL = `${FORMER} as materialized (select coalesce(current_setting('${ARCHIVE_REMOVAL_SETTING}', true), '') as "value"), \
${ALLOWED} as materialized (select set_config('${ARCHIVE_REMOVAL_SETTING}', 'allowed', true) is not null as "is" from ${FORMER})`;

/** A condition of each DELETE. It has no column, so that it is met before the first row is looked at. @internal */
export const IS_ALLOWED = `(select "is" from ${ALLOWED})`;

/**
 * Ends it: an expression that the statement selects, once. An error ends the transaction or savepoint, and the setting with it.
 *
 * @param removed - the parts of the statement that remove rows and return something of each; they are done before the value is known
 * @internal
 */
export function endRemovalSql(removed: readonly string[]): string {
  const done = removed.map((name) => `(select count(*) from ${name})`).join(' + ');
  return `set_config('${ARCHIVE_REMOVAL_SETTING}', case when ${done} >= 0 then (select "value" from ${FORMER}) end, true)`;
}

/**
 * The transaction-local setting that tells the guard trigger of `guard: true` that a physical delete is meant. Set with
 * `set_config(…, true)`, it ends with the transaction and so is safe behind a transaction pooler.
 *
 * @internal
 */
export const PHYSICAL_DELETE_SETTING = 'soft_delete.physical_delete';

/**
 * The transaction-local setting that tells the guard trigger that the transaction keeps holds from being placed and removes no row that
 * one covers, so that it need not ask for each row.
 *
 * @internal
 */
export const HOLDS_SETTING = 'soft_delete.holds';

/** @internal */
export const HOLDS_CHECKED = 'checked';

/** Says so for the rest of the transaction. @internal */
export const MARK_HOLDS_CHECKED_SQL = `set_config('${HOLDS_SETTING}', '${HOLDS_CHECKED}', true)`;

/** Takes that back. @internal */
export const ASK_FOR_HOLDS_SQL = `set_config('${HOLDS_SETTING}', '', true)`;

/** Allows physical deletes for the rest of the transaction. @internal */
export const ALLOW_PHYSICAL_DELETE_SQL = `select set_config('${PHYSICAL_DELETE_SETTING}', 'allowed', true)`;

/** Takes that back, for work that goes on in the same transaction. @internal */
export const REFUSE_PHYSICAL_DELETE_SQL = `select set_config('${PHYSICAL_DELETE_SETTING}', '', true)`;

/**
 * The transaction-local setting that tells the append-only trigger of records which of them are old enough to go.
 *
 * @internal
 */
export const RECORDS_BEFORE_SETTING = 'soft_delete.records_before';

/**
 * The transaction-local setting under which rows of the archive may be removed: for one statement of a restoration, a physical deletion,
 * an erasure or the purge.
 *
 * @internal
 */
export const ARCHIVE_REMOVAL_SETTING = 'soft_delete.archive_removal';

/** Allows that for the rest of the transaction. @internal */
export const ALLOW_ARCHIVE_REMOVAL_SQL = `select set_config('${ARCHIVE_REMOVAL_SETTING}', 'allowed', true)`;

/**
 * The transaction-local setting under which an erasure takes a person's name out of records, and personal values out of archived rows.
 *
 * @internal
 */
export const PSEUDONYMISE_SETTING = 'soft_delete.pseudonymise';

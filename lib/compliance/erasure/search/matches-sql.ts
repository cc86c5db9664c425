import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import type { OldValues } from './old-values.js';
import { LONG, signatureSql } from './text-sql.js';
import { containsSql, valuePatterns } from './value-patterns.js';

const SIGNATURES = '"soft-delete:signatures"';

/**
 * The transaction-local setting that keeps the signatures of a person's texts between the statement that reads the texts and those that look
 * for them: there may be many thousands, which nobody but the database needs.
 */
const SETTING = 'soft_delete.signatures';

/** The signatures that are kept, as a table that `isSignedSql()` looks into, for a statement's `with`. @internal */
export const NAMED_SIGNATURES_SQL =
  `${SIGNATURES} as materialized (` +
  `select cast(unnest(string_to_array(current_setting('${SETTING}'), ',')) as int8) as "signature")`;

/** Keeps these signatures, instead of those of another erasure of the transaction. @internal */
export const SET_SIGNATURES_SQL = `set_config('${SETTING}', ?, true)`;

/** All that are kept. @internal */
export const SIGNATURES_SQL = `current_setting('${SETTING}')`;

/**
 * Keeps the signatures of rows, with those that are kept already. True if there are any, else null. An aggregate of all rows: for each of
 * many groups, the setting would be written again.
 *
 * @internal
 */
export function keepSignaturesSql(signature: string): string {
  const all = `concat_ws(',', nullif(current_setting('${SETTING}'), ''), string_agg(${signature}::text, ','))`;
  return `case when count(${signature}) > 0 then set_config('${SETTING}', ${all}, true) <> '' end`;
}

/**
 * Whether a text is one of the named signatures'. PostgreSQL makes a hash table of them, for each place that looks into it, as soon as it has
 * to look for one: not for texts that are too short, or none. `NULL and …` would make it.
 *
 * @internal
 */
export function isSignedSql(text: string): string {
  return `(coalesce(length(${text}), 0) >= ${LONG} and ${signatureSql(text)} in (select "signature" from ${SIGNATURES}))`;
}

/** Whether a text has a value of the person in it, or is one of the person's texts, of which the signatures are named. @internal */
export function matchesSql(text: string, values: OldValues): SqlFragment {
  const contains = containsSql(text, valuePatterns(values.own));
  return { sql: `(${contains.sql} or ${isSignedSql(text)})`, params: contains.params };
}

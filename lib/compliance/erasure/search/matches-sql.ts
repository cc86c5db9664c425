import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import type { OldValues } from './old-values.js';
import { LONG, signatureSql } from './text-sql.js';
import { containsSql, valuePatterns } from './value-patterns.js';

const SIGNATURES = '"soft-delete:signatures"';

/** The signatures of a statement's only parameter for them, for its `with`: however many columns are searched, they are sent once. @internal */
export const NAMED_SIGNATURES_SQL = `${SIGNATURES} as materialized (select unnest(cast(? as int8[])) as "signature")`;

/** @internal */
export function signaturesParam({ signatures }: OldValues): string {
  return `{${signatures}}`;
}

/**
 * Whether a text is one of the named signatures'. PostgreSQL makes a hash table of them as soon as it has to look for one: not for texts that
 * are too short, or none.
 *
 * @internal
 */
export function isSignedSql(text: string): string {
  return `(length(${text}) >= ${LONG} and ${signatureSql(text)} in (select "signature" from ${SIGNATURES}))`;
}

/** Whether a text has a value of the person in it, or is one of the person's texts, of which the signatures are named. @internal */
export function matchesSql(text: string, values: OldValues): SqlFragment {
  const contains = containsSql(text, valuePatterns(values.own));
  return { sql: `(${contains.sql} or ${isSignedSql(text)})`, params: contains.params };
}

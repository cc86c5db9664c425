import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import { arrayText } from '../../../sql/row-set.js';

/** What finds values inside of texts: regular expressions of PostgreSQL, and what a text has to have in it for one of them to match. @internal */
export interface ValuePatterns {
  /** Of values that are hardly a word of a language, whatever their case. */
  readonly anyCase: string | undefined;
  /** Of short ones, as they are written: `Will` and `Max` are names, `will` and `max` are not. */
  readonly asWritten: string | undefined;
  /** A part of each value in lower case, which is found in a fraction of the time. */
  readonly parts: readonly string[];
}

/** Scripts that put nothing between words. */
const WITHOUT_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Hangul}]/u;

/** @internal */
export function valuePatterns(values: Iterable<string>): ValuePatterns {
  const all = [...values].toSorted((one, other) => other.length - one.length);
  const isDistinct = (value: string) => value.includes('@') || value.length >= 8;
  return {
    anyCase: patternOf(all.filter(isDistinct)),
    asWritten: patternOf(all.filter((value) => !isDistinct(value))),
    parts: all.map(partOf),
  };
}

/**
 * The longest part of a value that every text has in it which the value's pattern matches, whatever the locale: in Turkish the capital of
 * `i` is none of ASCII. It may be empty. None of the characters means something to LIKE.
 */
function partOf(value: string): string {
  const parts = value.match(/[\da-hj-zA-HJ-Z@.+-]+/g) ?? [];
  return (parts.toSorted((one, other) => other.length - one.length)[0] ?? '').toLowerCase();
}

/** Whole words only. */
function patternOf(values: readonly string[]): string | undefined {
  if (values.length === 0) {
    return undefined;
  }
  const escaped = values.map((value) => {
    const text = value.replaceAll(/[^\p{L}\p{N}\s]/gu, String.raw`\$&`).replaceAll(/\s+/g, String.raw`\s+`);
    return WITHOUT_SPACES.test(value) ? text : `(?<![[:alnum:]])${text}(?![[:alnum:]])`;
  });
  return escaped.join('|');
}

/** A condition that a text contains one of the values. @internal */
export function containsSql(text: string, { anyCase, asWritten, parts }: ValuePatterns): SqlFragment {
  const patterns = [
    ...(anyCase === undefined ? [] : [{ sql: `${text} ~* ?`, params: [anyCase] }]),
    ...(asWritten === undefined ? [] : [{ sql: `${text} ~ ?`, params: [asWritten] }]),
  ];
  if (patterns.length === 0) {
    return { sql: 'false', params: [] };
  }
  const matches = `(${patterns.map(({ sql }) => sql).join(' or ')})`;
  return {
    sql: `(lower(${text} collate "C") like any(cast(? as text[])) and ${matches})`,
    params: [arrayText(parts.map((part) => `%${part}%`)), ...patterns.flatMap(({ params }) => params)],
  };
}

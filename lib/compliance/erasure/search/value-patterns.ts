/** Regular expressions of PostgreSQL that find values inside of texts. @internal */
export interface ValuePatterns {
  /** Of values that are hardly a word of a language, whatever their case. */
  readonly anyCase: string | undefined;
  /** Of short ones, as they are written: `Will` and `Max` are names, `will` and `max` are not. */
  readonly asWritten: string | undefined;
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
  };
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
export function containsSql(text: string, { anyCase, asWritten }: ValuePatterns): { sql: string; params: string[] } {
  const parts = [
    ...(anyCase === undefined ? [] : [{ sql: `${text} ~* ?`, params: [anyCase] }]),
    ...(asWritten === undefined ? [] : [{ sql: `${text} ~ ?`, params: [asWritten] }]),
  ];
  return {
    sql: parts.length === 0 ? 'false' : `(${parts.map(({ sql }) => sql).join(' or ')})`,
    params: parts.flatMap(({ params }) => params),
  };
}

/**
 * Whether the predicate of an index lets only active rows in: it demands that the column is null, and nothing is an
 * alternative to that.
 *
 * @internal
 */
export function demandsNull(predicate: string | null, column: string): boolean {
  return conditions(predicate).includes(`${column} is null`);
}

/** Whether rows with a value in the column, all of them, are in the index. @internal */
export function admitsNotNull(predicate: string | null, column: string): boolean {
  return predicate === null || conditions(predicate).join() === `${column} is not null`;
}

/** What must all be true, without quotes and parentheses. PostgreSQL prints every alternative in parentheses of its own. */
function conditions(predicate: string | null): string[] {
  const tokens = (predicate ?? '').match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[^\s()'"]+/g) ?? [];
  return flatten(tokens).map((condition) => condition.replace(/ is( not)? null$/i, (words) => words.toLowerCase()));
}

function flatten(tokens: readonly string[]): string[] {
  const inner = enclosed(tokens) ? tokens.slice(1, -1) : tokens;
  const parts: string[][] = [[]];
  let depth = 0;
  for (const token of inner) {
    depth += token === '(' ? 1 : token === ')' ? -1 : 0;
    if (depth === 0 && /^or$/i.test(token)) {
      return [];
    }
    if (depth === 0 && /^and$/i.test(token)) {
      parts.push([]);
    } else {
      parts.at(-1)!.push(token);
    }
  }
  if (parts.length === 1 && !enclosed(inner)) {
    return [inner.map((token) => token.replace(/^"(.*)"$/, (_, name: string) => name.replaceAll('""', '"'))).join(' ')];
  }
  return parts.flatMap(flatten);
}

/** Whether the first parenthesis is closed by the last. */
function enclosed(tokens: readonly string[]): boolean {
  let depth = 0;
  return (
    tokens[0] === '(' &&
    tokens.every((token, index) => {
      depth += token === '(' ? 1 : token === ')' ? -1 : 0;
      return depth > 0 || index === tokens.length - 1;
    })
  );
}

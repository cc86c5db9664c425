/** A boolean expression as far as its structure tells something about nulls. @internal */
export type Predicate =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Predicate[] }
  | { readonly kind: 'not'; readonly part: Predicate }
  /** That a column has no value. */
  | { readonly kind: 'null'; readonly column: string }
  | { readonly kind: 'constant'; readonly value: boolean }
  /** Anything else: a comparison, a call, a boolean column. */
  | { readonly kind: 'opaque'; readonly text: string };

/**
 * Parses the condition of an index as `pg_get_expr()` prints it: `and`, `or`, `not`, tests for null, and their truth tests. What lies
 * below these stays opaque, strings and quoted names included.
 *
 * @internal
 */
export function parsePredicate(predicate: string): Predicate {
  return parse(tokensOf(predicate));
}

/** The words of an expression: strings, quoted names, parentheses, and what stands between them. @internal */
export function tokensOf(expression: string): readonly string[] {
  return expression.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[^\s()'"]+/g) ?? [];
}

function parse(tokens: readonly string[]): Predicate {
  for (const kind of ['or', 'and'] as const) {
    const parts = split(tokens, kind);
    if (parts.length > 1) {
      return { kind, parts: parts.map(parse) };
    }
  }
  if (isWord(tokens[0], 'not')) {
    return { kind: 'not', part: parse(tokens.slice(1)) };
  }
  const test = truthTest(tokens);
  if (test) {
    return test;
  }
  if (isEnclosed(tokens)) {
    return parse(tokens.slice(1, -1));
  }
  if (tokens.length === 1 && /^(true|false)$/i.test(tokens[0]!)) {
    return { kind: 'constant', value: isWord(tokens[0], 'true') };
  }
  return { kind: 'opaque', text: tokens.join(' ') };
}

/** `… is null`, `… is not null`, and `… is [not] true`, `… is [not] false` of what is never unknown. */
function truthTest(tokens: readonly string[]): Predicate | undefined {
  const isNegated = isWord(tokens.at(-2), 'not');
  const operand = tokens.slice(0, isNegated ? -3 : -2);
  const last = tokens.at(-1);
  if (operand.length === 0 || !isWord(tokens[operand.length], 'is')) {
    return undefined;
  }
  const negate = (part: Predicate, isMeant: boolean): Predicate => (isMeant ? { kind: 'not', part } : part);
  if (isWord(last, 'null')) {
    const column = columnOf(operand);
    return column === undefined ? undefined : negate({ kind: 'null', column }, isNegated);
  }
  if (isWord(last, 'true') || isWord(last, 'false')) {
    const part = parse(operand);
    return isTwoValued(part) ? negate(part, isNegated === isWord(last, 'true')) : undefined;
  }
  return undefined;
}

/** Whether an expression is true or false, and never unknown. */
function isTwoValued(predicate: Predicate): boolean {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      return predicate.parts.every(isTwoValued);
    case 'not':
      return isTwoValued(predicate.part);
    case 'null':
    case 'constant':
      return true;
    case 'opaque':
      return false;
  }
}

/** The column that the words name, if they name nothing else. */
function columnOf(tokens: readonly string[]): string | undefined {
  if (isEnclosed(tokens)) {
    return columnOf(tokens.slice(1, -1));
  }
  const [token] = tokens;
  if (tokens.length !== 1 || token === undefined) {
    return undefined;
  }
  return token.startsWith('"')
    ? token.slice(1, -1).replaceAll('""', '"')
    : /^[\p{L}_][\p{L}\p{N}_$]*$/u.exec(token)?.[0];
}

/** Divides the words at a connective, as far as it stands outside of parentheses and of `case … end`. */
function split(tokens: readonly string[], connective: string): readonly string[][] {
  const parts: string[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += depthChange(token);
    if (depth === 0 && isWord(token, connective)) {
      parts.push([]);
    } else {
      parts.at(-1)!.push(token);
    }
  }
  return parts;
}

/** Whether the first parenthesis is closed by the last. */
function isEnclosed(tokens: readonly string[]): boolean {
  let depth = 0;
  return (
    tokens[0] === '(' &&
    tokens.every((token, index) => {
      depth += depthChange(token);
      return depth > 0 || index === tokens.length - 1;
    })
  );
}

function depthChange(token: string): number {
  return token === '(' || isWord(token, 'case') ? 1 : token === ')' || isWord(token, 'end') ? -1 : 0;
}

function isWord(token: string | undefined, word: string): boolean {
  return token?.toLowerCase() === word;
}

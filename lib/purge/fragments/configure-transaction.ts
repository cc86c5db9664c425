import type { QuoteValue } from '../../sql/quote-value.js';

/** Settings of the database by their names. @internal */
export type Settings = Readonly<Record<string, string>>;

/**
 * Gives settings their values until the transaction ends.
 *
 * @param further - calls of `set_config` whose values are expressions
 * @internal
 */
export function configureTransaction(settings: Settings, quote: QuoteValue, further: readonly string[] = []): string {
  const calls = Object.entries(settings).map(([name, value]) => `set_config(${quote(name)}, ${quote(value)}, true)`);
  return `select ${[...calls, ...further].join(', ')}`;
}

/** Limits how long a statement of the transaction may take, unless the session does so more strictly. @internal */
export function shorterTimeoutSql(milliseconds: number): string {
  const limit = Math.ceil(milliseconds);
  const current = "current_setting('statement_timeout')";
  return `set_config('statement_timeout', case when extract(epoch from ${current}::interval) * 1000 between 1 and ${limit}
  then ${current} else '${limit}ms' end, true)`;
}

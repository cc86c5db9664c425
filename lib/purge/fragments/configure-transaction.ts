import type { QuoteValue } from '../../sql/quote-value.js';

/** Settings of the database by their names. @internal */
export type Settings = Readonly<Record<string, string>>;

/** Gives settings their values until the transaction ends. @internal */
export function configureTransaction(settings: Settings, quote: QuoteValue): string {
  const calls = Object.entries(settings).map(([name, value]) => `set_config(${quote(name)}, ${quote(value)}, true)`);
  return `select ${calls.join(', ')}`;
}

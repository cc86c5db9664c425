import type { QuoteValue } from './path-sql.js';

/** Gives settings their values until the transaction ends. @internal */
export function configureTransaction(settings: Readonly<Record<string, string>>, quote: QuoteValue): string {
  const calls = Object.entries(settings).map(([name, value]) => `set_config(${quote(name)}, ${quote(value)}, true)`);
  return `select ${calls.join(', ')}`;
}

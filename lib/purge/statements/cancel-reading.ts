import type { QuoteValue } from '../../sql/quote-value.js';

/**
 * Ends a statement that another session is carrying out, found by the name in the comment that it begins with. It needs no number of a
 * session, which behind a pooler may belong to somebody else by now.
 *
 * @internal
 */
export function cancelReading(name: string, quote: QuoteValue): string {
  return `select pg_cancel_backend(pid) from pg_stat_activity
where starts_with(query, ${quote(`/* ${name} */`)}) and state = 'active' and datname = current_database()`;
}

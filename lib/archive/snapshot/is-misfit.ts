/**
 * Whether PostgreSQL does not read a value, or a table does not take one, that it had when the row was archived: an enum, a domain, a check or
 * a column says no today.
 *
 * @internal
 */
export function isMisfit(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return code.startsWith('22') || code === '23502' || code === '23514';
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * The time that a text in ISO 8601 means. A day is its beginning, and a time without a zone is one of UTC.
 *
 * @returns `undefined` where it means none
 * @internal
 */
export function parseTime(text: string): Date | undefined {
  const [day = ''] = text.split('T');
  const midnight = new Date(day);
  // `new Date('2026-02-31')` is a day of March, and a time without a zone is one of the machine's.
  if (!ISO.test(text) || Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) {
    return undefined;
  }
  const isLocal = text !== day && !/(Z|[+-]\d\d:?\d\d)$/.test(text.slice(day.length));
  const time = new Date(isLocal ? `${text}Z` : text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

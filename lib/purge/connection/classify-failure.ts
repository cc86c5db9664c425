/**
 * What an error of a batch means for the rest:
 * - `locked`: somebody else holds a lock on a row
 * - `slow`: the batch took longer than it may
 * - `again`: the same may well work in a moment
 * - `connection`: the connection is gone or could not be made
 * - `fatal`: nothing will work, such as on a read-only server, without the right to delete or from a table that allows no deletion
 * - `row`: a row of the batch, or what hangs on it, refuses
 *
 * @internal
 */
export type FailureKind = 'locked' | 'slow' | 'again' | 'connection' | 'fatal' | 'row';

const BY_CODE: Readonly<Record<string, FailureKind>> = {
  '55P03': 'locked',
  '57014': 'slow',
  '40P01': 'again',
  '40001': 'again',
  '25006': 'fatal',
  '42501': 'fatal',
  '57P01': 'connection',
  '57P02': 'connection',
  '57P03': 'connection',
  '57P05': 'connection',
  '53300': 'connection',
};
const NETWORK = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
];

/** @internal */
export function classifyFailure(error: unknown): FailureKind {
  const code = sqlState(error);
  if (code !== undefined) {
    const isRaisedByTrigger = typeof (error as { where?: unknown }).where === 'string';
    const known = isRaisedByTrigger && code === '42501' ? 'row' : BY_CODE[code];
    if (known) {
      return known;
    }
    if (NETWORK.includes(code) || code.startsWith('08')) {
      return 'connection';
    }
    // Statements that the server does not understand, tables whose rows cannot be deleted (of a publication without a replica identity, of
    // a foreign server), and a server without memory or disk will not get better row by row.
    return /^(0A|42|53|55000|58|XX)/.test(code) && !isRaisedByTrigger ? 'fatal' : 'row';
  }
  const message = error instanceof Error ? error.message : String(error);
  return /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|server closed the connection/i.test(
    message,
  )
    ? 'connection'
    : 'row';
}

/** The SQLSTATE, or the network's error code, of an error or of its cause. @internal */
export function sqlState(error: unknown): string | undefined {
  for (let current = error, depth = 0; current && depth < 5; current = (current as Error).cause, depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && (/^[0-9A-Z]{5}$/.test(code) || NETWORK.includes(code))) {
      return code;
    }
  }
  return undefined;
}

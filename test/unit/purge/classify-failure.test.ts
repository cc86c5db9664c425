import { classifyFailure, sqlState } from '../../../lib/purge/connection/classify-failure.js';

const failure = (code: string, more: object = {}) => Object.assign(new Error('failed'), { code, ...more });

describe(classifyFailure.name, () => {
  it.each([
    ['55P03', 'locked'],
    ['57014', 'slow'],
    ['40P01', 'again'],
    ['40001', 'again'],
    ['25006', 'fatal'],
    ['42501', 'fatal'],
    ['57P01', 'connection'],
    ['57P02', 'connection'],
    ['57P03', 'connection'],
    ['57P05', 'connection'],
    ['53300', 'connection'],
    ['08006', 'connection'],
    ['08P01', 'connection'],
    ['ECONNRESET', 'connection'],
    ['ECONNREFUSED', 'connection'],
    ['EPIPE', 'connection'],
    ['ETIMEDOUT', 'connection'],
    ['ENOTFOUND', 'connection'],
    ['EAI_AGAIN', 'connection'],
    ['EHOSTUNREACH', 'connection'],
    ['ENETUNREACH', 'connection'],
    ['42P01', 'fatal'],
    ['53100', 'fatal'],
    ['58030', 'fatal'],
    ['XX000', 'fatal'],
    ['23503', 'row'],
    ['P0001', 'row'],
    ['22012', 'row'],
  ])('takes %s for %s', (code, kind) => {
    expect(classifyFailure(failure(code))).toBe(kind);
  });

  it.each(['42501', '42P01', '53000', 'XX000'])(
    'takes %s that a trigger of the row raises for a matter of the row',
    (code) => {
      expect(classifyFailure(failure(code, { where: 'PL/pgSQL function refuse() line 3 at RAISE' }))).toBe('row');
    },
  );

  it.each(['40P01', '40001'])('tries again what a trigger of the row was interrupted with: %s', (code) => {
    expect(classifyFailure(failure(code, { where: 'PL/pgSQL function count() line 3 at SQL statement' }))).toBe(
      'again',
    );
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'server closed the connection unexpectedly',
  ])('knows by its message that the connection is gone: %s', (message) => {
    expect(classifyFailure(new Error(message))).toBe('connection');
    expect(classifyFailure(message)).toBe('connection');
  });

  it('takes what it does not know for a matter of the row', () => {
    expect(classifyFailure(new Error('No.'))).toBe('row');
    expect(classifyFailure(failure('ERR_INVALID_ARG_TYPE'))).toBe('row');
    expect(classifyFailure(undefined)).toBe('row');
  });
});

describe(sqlState.name, () => {
  it('is that of the error or of a cause of it, however the ORM has wrapped it', () => {
    expect(sqlState(failure('23503'))).toBe('23503');
    expect(sqlState(new Error('outer', { cause: new Error('inner', { cause: failure('ECONNRESET') }) }))).toBe(
      'ECONNRESET',
    );
    expect(sqlState(failure('ERR_OUTER', { cause: failure('40001') }))).toBe('40001');
  });

  it('is looked for as far as the fourth cause', () => {
    const wrapped = (times: number): unknown =>
      times === 0 ? failure('23503') : new Error('outer', { cause: wrapped(times - 1) });
    expect(sqlState(wrapped(4))).toBe('23503');
    expect(sqlState(wrapped(5))).toBeUndefined();
  });

  it('is none of what has no code, or causes itself', () => {
    const circular: { cause?: unknown } = new Error('circular');
    circular.cause = circular;
    expect(sqlState(circular)).toBeUndefined();
    expect(sqlState(failure('23503 '))).toBeUndefined();
    expect(sqlState({ code: 23_503 })).toBeUndefined();
    expect(sqlState(null)).toBeUndefined();
  });
});

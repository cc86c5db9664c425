import { PurgeInterruptedError, type PurgeReport } from 'nestjs-mikro-orm-soft-delete';

describe(PurgeInterruptedError.name, () => {
  const report = { total: 7, outcome: 'aborted', entities: [] } as unknown as PurgeReport;
  const failure = (code: string, message = 'it said no') => Object.assign(new Error(message), { code });

  it.each([
    ['25006', 'connect to the primary'],
    ['42501', 'Grant the database user'],
    ['0A000', 'drop a rule on DELETE in favour of a trigger'],
    ['53300', 'raise max_connections'],
    ['28P01', 'Check the user and the password'],
    ['28000', 'Check the user and the password'],
    ['3D000', 'Check the name of the database'],
    ['57P03', 'The server is starting up or shutting down'],
    ['ENOTFOUND', 'Check the name of the host'],
    ['EAI_AGAIN', 'Check the name of the host'],
    ['ECONNREFUSED', 'Check that the server runs'],
    ['XX000', 'its schema is up to date'],
  ])('says what happened, and what to do about %s', (code, advice) => {
    const cause = failure(code);
    const error = new PurgeInterruptedError(cause, report);
    expect(error.message).toContain('The purge was interrupted after 7 rows: it said no.');
    expect(error.message).toContain(advice);
    expect(error.message).toContain('The next run goes on where this one ended.');
    expect(error).toMatchObject({ code: 'PURGE_INTERRUPTED', cause, report });
  });

  it('finds the code of what an error was caused by, and names every address that was tried', () => {
    const outer = new Error('connection failed', { cause: failure('ECONNREFUSED') });
    expect(new PurgeInterruptedError(outer, report).message).toMatch(
      /: connection failed\. Check that the server runs/,
    );
    const several = Object.assign(
      new AggregateError([failure('ECONNREFUSED', 'one'), failure('ECONNREFUSED', 'two')]),
      {
        code: 'ECONNREFUSED',
      },
    );
    expect(new PurgeInterruptedError(several, report).message).toContain('after 7 rows: one, two. Check that');
    expect(new PurgeInterruptedError('gone', report).message).toContain('after 7 rows: gone. Check that the database');
    expect(new PurgeInterruptedError(undefined, report).message).toContain('after 7 rows: undefined.');
  });
});

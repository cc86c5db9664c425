import {
  ArchivedScopeError,
  CatalogChangedError,
  DeletedRowError,
  DeletionRestrictedError,
  NotSoftDeletableError,
  PhysicalDeletionError,
  PurgeScheduleError,
  PurgeSchemasError,
  PurgeThrottleError,
  SoftDeleteConfigError,
  SoftDeleteError,
  SoftDeleteNotInstalledError,
  UnsupportedOrmVersionError,
} from 'nestjs-mikro-orm-soft-delete';
import {
  ErasureFailedError,
  ErasureUndeclaredError,
  LegalHoldError,
  ReasonRequiredError,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { firstLine } from '../../../lib/errors/text/first-line.js';
import { showCount } from '../../../lib/errors/text/show-count.js';
import { showValue } from '../../../lib/errors/text/show-value.js';
import { stackOf } from '../../../lib/errors/text/stack-of.js';

const books = { relation: 'Author.books', entity: 'Book', count: 1 };
const loans = { relation: 'Author.loans', entity: 'Loan', count: 2 };
const failed = { id: 7, entity: 'Customer', error: new Error('no disk') };

/** Each error with its code and its whole message. */
const ERRORS: [SoftDeleteError, string, string][] = [
  [
    new ArchivedScopeError('Note', 'withDeleted()'),
    'ARCHIVED_SCOPE',
    'withDeleted() cannot read deleted rows of Note, which are in deletion_archive and not in their table. Read them with onlyDeleted().find(), findOne() or count(), or restore them first.',
  ],
  [
    new DeletionRestrictedError('Author', [books]),
    'DELETION_RESTRICTED',
    "Author was not deleted: 1 Book row prevents it (Author.books). Delete or move them first, or declare the relation as 'cascade' or 'keep'.",
  ],
  [
    new DeletionRestrictedError('Author', [books, loans]),
    'DELETION_RESTRICTED',
    "Author was not deleted: 1 Book row prevents it (Author.books), 2 Loan rows prevent it (Author.loans). Delete or move these first, or declare the relation as 'cascade' or 'keep'.",
  ],
  [
    new DeletionRestrictedError('Author', [loans], 'Wait.'),
    'DELETION_RESTRICTED',
    'Author was not deleted: 2 Loan rows prevent it (Author.loans). Wait.',
  ],
  [
    new ErasureFailedError([failed]),
    'ERASURE_FAILED',
    'An erasure has failed: 7 of Customer (no disk). All others were carried out. Fix the cause: the next run tries again.',
  ],
  [
    new ErasureFailedError([failed, { id: 8, entity: 'User', error: 'odd' }]),
    'ERASURE_FAILED',
    '2 erasures have failed: 7 of Customer (no disk), 8 of User (odd). All others were carried out. Fix the cause: the next run tries again.',
  ],
  [
    new ErasureUndeclaredError('User', [{ entity: 'User', properties: [] }]),
    'ERASURE_UNDECLARED',
    'User was not erased: User has no @PersonalData() that leads to it. Mark it with @PersonalData({ subject: true, fields: { … } }).',
  ],
  [
    new ErasureUndeclaredError('User', [
      { entity: 'Visit', properties: [] },
      { entity: 'User', properties: ['name'] },
    ]),
    'ERASURE_UNDECLARED',
    "User was not erased: Visit has no @PersonalData() that leads to it; User does not declare whether name is personal. Mark it with @PersonalData({ of: '…', fields: { … } }), or with @NoPersonalData().",
  ],
  [
    new ErasureUndeclaredError('User', [{ entity: 'User', properties: ['name'] }]),
    'ERASURE_UNDECLARED',
    'User was not erased: User does not declare whether name is personal. List it in the `fields` or in `notPersonal` of @PersonalData() on User.',
  ],
  [
    new ErasureUndeclaredError('User', [{ entity: 'User', properties: ['name', 'phone'] }]),
    'ERASURE_UNDECLARED',
    'User was not erased: User does not declare whether name, phone are personal. List them in the `fields` or in `notPersonal` of @PersonalData() on User.',
  ],
  [
    new LegalHoldError('User', [{ id: 3, name: 'Dispute' }], { User: 1 }),
    'LEGAL_HOLD',
    'User was not removed: the legal hold "Dispute" (3) covers rows that would be removed (User 1). Soft-delete them instead, or release the hold first.',
  ],
  [
    new LegalHoldError(
      'User',
      [
        { id: 3, name: 'Dispute' },
        { id: 4, name: 'Audit' },
      ],
      { User: 1, Post: 2 },
    ),
    'LEGAL_HOLD',
    'User was not removed: the legal holds "Dispute" (3), "Audit" (4) cover rows that would be removed (User 1, Post 2). Soft-delete them instead, or release all of the holds first.',
  ],
  [
    new SoftDeleteNotInstalledError('crm'),
    'SOFT_DELETE_NOT_INSTALLED',
    'Soft deletion is not installed on the MikroORM instance "crm". Import SoftDeleteModule.forRoot() in the root module, or call installSoftDelete(orm) in a script.',
  ],
  [
    new NotSoftDeletableError('City', true),
    'NOT_SOFT_DELETABLE',
    'City is not soft-deletable. Mark the class with @SoftDeletable() (or call softDeletable(schema)), or use the ordinary EntityRepository for it.',
  ],
  [
    new NotSoftDeletableError('City', false),
    'NOT_SOFT_DELETABLE',
    'City is not an entity of this ORM. Add it to the `entities` of its MikroORM configuration, or pass the `contextName` of the ORM that has it.',
  ],
  [
    new PhysicalDeletionError('User', 'qb.delete()'),
    'PHYSICAL_DELETION',
    'qb.delete() would have removed rows of User physically, but User is soft-deletable. Nothing was removed. Soft-delete them with softDelete() or nativeDelete() of its repository, or with em.nativeDelete(); remove them for good with hardDelete(), or in SQL with em.execute().',
  ],
  [
    new PurgeScheduleError('0 3 * * *', 'nobody runs it.', 'Import ScheduleModule.forRoot().'),
    'PURGE_SCHEDULE',
    'purge.cron is set to "0 3 * * *", but nobody runs it. Import ScheduleModule.forRoot(). Or leave purge.cron out and call PurgeService.run() yourself.',
  ],
  [
    new PurgeSchemasError({ answer: 7 }),
    'PURGE_SCHEMAS',
    'purge.schemas returned 7. It must return a list of schema names. The next run calls it again.',
  ],
  [
    new PurgeSchemasError({ thrown: 'no tenants' }),
    'PURGE_SCHEMAS',
    'purge.schemas failed: no tenants. It must return a list of schema names. The next run calls it again.',
  ],
  [
    new PurgeThrottleError('User', { answer: 'maybe' }),
    'PURGE_THROTTLE',
    `purge.throttle answered with "maybe", before a batch of User. It must answer 'go', 'wait' or 'stop', and catch errors that need not end the run.`,
  ],
  [
    new PurgeThrottleError('User', { thrown: new Error('no replica') }),
    'PURGE_THROTTLE',
    `purge.throttle failed: no replica, before a batch of User. It must answer 'go', 'wait' or 'stop', and catch errors that need not end the run.`,
  ],
  [
    new ReasonRequiredError('softDelete()', 'Pass { reason }.'),
    'REASON_REQUIRED',
    "softDelete() was refused: it has no reason, and log.reason is 'required'. Pass { reason }.",
  ],
  [
    new SoftDeleteConfigError('purge.batchSize', '0 is too few.', 'Write 1 or more.'),
    'SOFT_DELETE_CONFIG',
    'purge.batchSize: 0 is too few. Write 1 or more.',
  ],
];

describe('The message of an error', () => {
  it.each(ERRORS)('says what happened and what to do: %s', (error, code, message) => {
    expect(error).toBeInstanceOf(SoftDeleteError);
    expect([error.code, error.message, error.name]).toEqual([code, message, error.constructor.name]);
  });

  it('says that nothing was changed, and when to try again', () => {
    expect(new CatalogChangedError()).toMatchObject({
      code: 'CATALOG_CHANGED',
      message: expect.stringMatching(/^The foreign keys or unique indexes .* Nothing was changed\. Try again when /),
    });
    expect(new DeletedRowError('User', { id: 7n, email: 'a@x' })).toMatchObject({
      code: 'DELETED_ROW',
      message: expect.stringMatching(
        /^User \{"id":"7","email":"a@x"\} is deleted, and an upsert does not write to deleted rows\. Restor.*\.$/,
      ),
    });
  });

  it('names the versions of the ORM that were found, and what is supported or missing', () => {
    const core = { '@mikro-orm/core': '7.0.1', '@mikro-orm/postgresql': '7.0.1' };
    const messages = [
      new UnsupportedOrmVersionError(core, '^7.2.0'),
      new UnsupportedOrmVersionError(core, '^7.2.0', ['A.b is missing', 'C.d is missing']),
      new UnsupportedOrmVersionError({ ...core, '@mikro-orm/sql': '7.2.0' }, '^7.2.0'),
    ].map(({ code, message }) => [code, message]);
    const found = 'found @mikro-orm/core 7.0.1, @mikro-orm/postgresql 7.0.1';
    expect(messages).toEqual([
      [
        'UNSUPPORTED_ORM_VERSION',
        expect.stringContaining(
          `MikroORM 7.0.1 is not supported (${found}). Install a version in ^7.2.0 of all @mikro-orm packages, or `,
        ),
      ],
      [
        'UNSUPPORTED_ORM_VERSION',
        expect.stringContaining(
          `MikroORM 7.0.1 lacks what this package needs: A.b is missing; C.d is missing (${found}). Install another version in ^7.2.0`,
        ),
      ],
      [
        'UNSUPPORTED_ORM_VERSION',
        'The packages of MikroORM have different versions: @mikro-orm/core 7.0.1, @mikro-orm/postgresql 7.0.1, @mikro-orm/sql 7.2.0. Install one version of all of them, ^7.2.0; `npm ls @mikro-orm/core` shows who asks for which.',
      ],
    ]);
  });

  it('keeps the cause, where there is one', () => {
    const cause = new Error('why');
    const scheduled = new PurgeScheduleError('* * * * *', 'no.', 'Mend it.', { cause });
    expect(scheduled.cause).toBe(cause);
    expect(new PurgeThrottleError('User', { thrown: cause }).cause).toBe(cause);
    expect(new PurgeSchemasError({ thrown: cause }).cause).toBe(cause);
    expect(new ErasureFailedError([{ ...failed, error: cause }, failed]).cause).toBe(cause);
    expect('cause' in new PurgeSchemasError({ answer: 7 })).toBe(false);
  });
});

describe(firstLine.name, () => {
  it.each([
    [new Error('  one\ntwo'), 'one'],
    ['three\nfour', 'three'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [new AggregateError([new Error('refused'), new Error('timed out')], ''), 'refused'],
    [new AggregateError([new Error('refused')], 'both'), 'both'],
    [new AggregateError([], ''), 'AggregateError'],
    [new RangeError(''), 'RangeError'],
  ])('of %s', (error, line) => {
    expect(firstLine(error)).toBe(line);
  });
});

describe(showValue.name, () => {
  it.each<[unknown, string]>([
    ['a "b"', '"a \\"b\\""'],
    ['x'.repeat(100), `"${'x'.repeat(100)}"`],
    ['x'.repeat(101), `"${'x'.repeat(100)}…"`],
    [undefined, 'undefined'],
    [null, 'null'],
    [7n, '7n'],
    [{ a: { b: { c: 1 } } }, '{ a: { b: [Object] } }'],
    [['y'.repeat(101)], `[ '${'y'.repeat(100)}'... 1 more character ]`],
  ])('shows %p in one line', (value, text) => {
    expect(showValue(value)).toBe(text);
  });
});

describe(showCount.name, () => {
  it('has a singular and a plural', () => {
    expect([0, 1, 2].map((count) => showCount(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows']);
  });
});

describe(stackOf.name, () => {
  it('is the stack, or what there is of it', () => {
    const error = new Error('no');
    expect(stackOf(error)).toBe(error.stack);
    delete (error as { stack?: string }).stack;
    expect(stackOf(error)).toBe('no');
    expect(stackOf('odd')).toBe('odd');
  });
});

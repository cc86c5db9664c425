import { RestoreConflictError } from 'nestjs-mikro-orm-soft-delete';

type Conflict = RestoreConflictError['conflicts'][number];

const taken = (more: Partial<Conflict> = {}): Conflict => ({
  reason: 'unique',
  entity: 'User',
  key: 1,
  constraint: 'user_email_unique',
  properties: ['email'],
  conflictingKey: 2,
  conflictingWith: 'active',
  ...more,
});
const orphan = (more: Partial<Conflict> = {}): Conflict => ({
  reason: 'parent-deleted',
  entity: 'Post',
  key: 5,
  constraint: 'author',
  conflictingKey: 1,
  ...more,
});

const CHANGE_ACTIVE = 'Change or delete the active row first.';
const RESTORE_ONE = 'Restore one of the rows that share a value, or change the value of the others.';
const TRY_AGAIN =
  'Another transaction may be taking the value right now, or the row that has it is hidden from this role: try again, or look it up by the constraint.';
const DECLARE_COLUMN =
  'Declare a renamed or dropped column with { archive: { renamed, dropped } } of @SoftDeletable(), give a new column a default, change the type back, or let triggers keep the values that an insert sets.';
const RESTORE_PARENT = 'Restore the parent, or pass { withParents: true }.';

describe(RestoreConflictError.name, () => {
  it.each<[string, Conflict[], string]>([
    [
      'an active row',
      [taken()],
      `User was not restored: User 1 has the same email as the active row 2. ${CHANGE_ACTIVE}`,
    ],
    [
      'an active row, by several properties',
      [taken({ properties: ['tenant', 'email'] })],
      `User was not restored: User 1 has the same tenant, email as the active row 2. ${CHANGE_ACTIVE}`,
    ],
    [
      'an active row, by an index without plain columns',
      [taken({ properties: undefined })],
      `User was not restored: User 1 has the same value of user_email_unique as the active row 2. ${CHANGE_ACTIVE}`,
    ],
    [
      'a row that would come back as well',
      [taken({ conflictingWith: 'restored' })],
      `User was not restored: User 1 has the same email as 2, which would be restored together with it. ${RESTORE_ONE}`,
    ],
    [
      'a row that cannot be seen',
      [taken({ key: undefined, conflictingKey: undefined, conflictingWith: undefined, properties: undefined })],
      `User was not restored: a row would have the same value of user_email_unique as another row. ${TRY_AGAIN}`,
    ],
    [
      'a row that cannot be seen, of a constraint that cannot be named',
      [{ reason: 'unique', entity: 'User', key: undefined }],
      `User was not restored: a row would have the same value of a unique constraint as another row. ${TRY_AGAIN}`,
    ],
    [
      'a deleted parent',
      [orphan()],
      `User was not restored: Post 5 belongs to author 1, which is deleted. ${RESTORE_PARENT}`,
    ],
    [
      'a key that is taken',
      [{ reason: 'key', entity: 'User', key: 1, constraint: 'user_pkey' }],
      'User was not restored: another row has the key of User 1. Remove the row that has the key, or give it another one.',
    ],
    [
      'a parent that is gone',
      [{ reason: 'parent-missing', entity: 'Post', key: 5, constraint: 'User.posts' }],
      'User was not restored: Post 5 references a row that is gone (User.posts). Insert the referenced row again.',
    ],
    [
      'a column that has changed',
      [{ reason: 'schema', entity: 'User', key: 1, column: 'rank' }],
      `User was not restored: the column rank of User 1 is not what it was when the row was archived. ${DECLARE_COLUMN}`,
    ],
    [
      'a column that refuses a value, of a row that cannot be named',
      [{ reason: 'schema', entity: 'User', key: undefined, column: 'rank' }],
      `User was not restored: the column rank of User no longer accepts a value that it had when the row was archived. ${DECLARE_COLUMN}`,
    ],
    [
      'a table that is gone',
      [{ reason: 'schema', entity: 'User', key: 1, column: '*' }],
      `User was not restored: the table of User 1 is gone, or rejects it. ${DECLARE_COLUMN}`,
    ],
    [
      'a table that takes no such row, which cannot be named',
      [{ reason: 'schema', entity: 'User', key: undefined, column: '*' }],
      `User was not restored: a table rejects a row of User. ${DECLARE_COLUMN}`,
    ],
    [
      'several reasons',
      [taken(), taken({ key: 3, conflictingKey: 4, conflictingWith: 'restored' }), orphan()],
      `User was not restored: User 1 has the same email as the active row 2; User 3 has the same email as 4, which would be restored together with it; Post 5 belongs to author 1, which is deleted. ${CHANGE_ACTIVE} ${RESTORE_ONE} ${RESTORE_PARENT}`,
    ],
  ])('says what to do about %s', (_, conflicts, message) => {
    const error = new RestoreConflictError('User', conflicts);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ code: 'RESTORE_CONFLICT', entity: 'User', conflicts });
  });

  it.each<[unknown, string]>([
    ['usr_1', 'usr_1'],
    [10n, '10'],
    [[1, 'x'], '1, x'],
    [new Date('2024-02-03T04:05:06.789Z'), '2024-02-03T04:05:06.789Z'],
    [Buffer.from('00ff10', 'hex'), '0x00ff10'],
    [new Uint8Array([9, 1, 2, 9]).subarray(1, 3), '0x0102'],
    [[new Date(0), Buffer.from([1])], '1970-01-01T00:00:00.000Z, 0x01'],
  ])('shows the key %p as it would be looked up', (key, text) => {
    expect(new RestoreConflictError('User', [taken({ key, conflictingKey: key })]).message).toContain(
      `User ${text} has the same email as the active row ${text}.`,
    );
  });

  it('names ten conflicts and counts the others', () => {
    const conflicts = (count: number) => Array.from({ length: count }, (_, i) => orphan({ key: i }));
    const ten = conflicts(10)
      .map((_, i) => `Post ${i} belongs to author 1, which is deleted`)
      .join('; ');
    expect(new RestoreConflictError('User', conflicts(10)).message).toBe(
      `User was not restored: ${ten}. ${RESTORE_PARENT}`,
    );
    expect(new RestoreConflictError('User', conflicts(12)).message).toBe(
      `User was not restored: ${ten}; and 2 more. ${RESTORE_PARENT}`,
    );
    expect(new RestoreConflictError('User', conflicts(12)).conflicts).toHaveLength(12);
  });

  it('says what else is known, before what to do', () => {
    expect(new RestoreConflictError('User', [orphan()], 'It was the second attempt.').message).toBe(
      `User was not restored: Post 5 belongs to author 1, which is deleted. It was the second attempt. ${RESTORE_PARENT}`,
    );
  });
});

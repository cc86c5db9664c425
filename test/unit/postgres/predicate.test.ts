import { admitsNotNull, demandsNull, mentionsColumn } from '../../../lib/postgres/predicate.js';

const ACTIVE = '(deleted_at IS NULL)';
const DELETED = '(deleted_at IS NOT NULL)';
const EITHER = `((kind = 'a'::text) OR (kind = 'b'::text))`;

describe(demandsNull, () => {
  it.each([
    ACTIVE,
    'deleted_at is null',
    `(${ACTIVE} AND ${EITHER})`,
    `(${EITHER} AND ${ACTIVE})`,
    `((a > 1) AND (b OR c) AND ${ACTIVE})`,
    `((${ACTIVE} AND (a = 1)) OR (${ACTIVE} AND (a = 2)))`,
    `(NOT ${DELETED})`,
    `(NOT (${DELETED} OR archived))`,
    `(NOT (NOT ${ACTIVE}))`,
    `(${ACTIVE} IS TRUE)`,
    `(${DELETED} IS FALSE)`,
    `(${DELETED} IS NOT TRUE)`,
    `(${ACTIVE} IS NOT FALSE)`,
    `(${ACTIVE} AND (note <> 'it''s (this OR that'::text))`,
    `(${ACTIVE} AND CASE WHEN (a = 1) THEN (b OR c) ELSE true END)`,
    'false',
  ])('is so for %s', (predicate) => {
    expect(demandsNull(predicate, 'deleted_at')).toBe(true);
  });

  it.each([
    null,
    'true',
    DELETED,
    `(${ACTIVE} OR (kind = 'a'::text))`,
    `(${EITHER} AND (${ACTIVE} OR archived))`,
    `(NOT (${DELETED} AND archived))`,
    `(NOT ${ACTIVE})`,
    `(${ACTIVE} IS FALSE)`,
    `((${ACTIVE} AND archived) IS TRUE)`,
    '(other_deleted_at IS NULL)',
    '("deleted_at " IS NULL)',
    '((lower(deleted_at)) IS NULL)',
    `(note = '(deleted_at IS NULL) AND ('::text)`,
    `CASE WHEN a THEN ${ACTIVE} ELSE b END`,
    `(${ACTIVE} IS UNKNOWN)`,
    `(${ACTIVE} IS NOT UNKNOWN)`,
    '(deleted_at IS DISTINCT FROM now())',
    'null',
    '(COALESCE(deleted_at, now()) IS NULL)',
  ])('is not so for %s', (predicate) => {
    expect(demandsNull(predicate, 'deleted_at')).toBe(false);
  });

  it('knows quoted names', () => {
    expect(demandsNull('("deletedAt" IS NULL)', 'deletedAt')).toBe(true);
    expect(demandsNull('("say ""or""" IS NULL)', 'say "or"')).toBe(true);
    expect(demandsNull('("is null or" IS NULL)', 'is null or')).toBe(true);
  });
});

describe(admitsNotNull, () => {
  it.each([
    null,
    'true',
    '(parent IS NOT NULL)',
    '((parent IS NOT NULL) OR (a = 1))',
    '((a = 1) OR ((b = 2) OR (parent IS NOT NULL)))',
    '(NOT (parent IS NULL))',
    '(NOT ((parent IS NULL) AND archived))',
    '((parent IS NOT NULL) AND (region IS NOT NULL))',
    '((parent IS NULL) IS NOT TRUE)',
  ])('is so for %s', (predicate) => {
    expect(admitsNotNull(predicate, ['parent', 'region'])).toBe(true);
  });

  it.each([
    'false',
    ACTIVE,
    '(parent IS NULL)',
    '((parent IS NOT NULL) AND (other IS NOT NULL))',
    `((parent IS NOT NULL) AND ${EITHER})`,
    `(${EITHER} AND (parent IS NOT NULL))`,
    `((parent IS NOT NULL) AND ((a = 1) OR ((b = 2) AND (c = 3))))`,
    `((parent IS NOT NULL) AND (NOT archived))`,
    '(NOT ((parent IS NULL) OR archived))',
    '((parent > 5) OR (parent <= 5))',
  ])('is not so for %s', (predicate) => {
    expect(admitsNotNull(predicate, ['parent', 'region'])).toBe(false);
  });
});

describe(mentionsColumn, () => {
  it('tells a column from what only contains its name', () => {
    expect(mentionsColumn('((kind = 1) AND (deleted_at IS NULL))', 'deleted_at')).toBe(true);
    expect(mentionsColumn('("deletedAt" IS NULL)', 'deletedAt')).toBe(true);
    expect(mentionsColumn('(undeleted_at IS NULL)', 'deleted_at')).toBe(false);
    expect(mentionsColumn(`(note = 'deleted_at'::text)`, 'deleted_at')).toBe(false);
    expect(mentionsColumn(null, 'deleted_at')).toBe(false);
  });
});

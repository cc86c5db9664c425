import { scopePredicate } from '../../../lib/metadata/active-predicate.js';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import { scopeFilters, scopeWhere } from '../../../lib/metadata/scope-options.js';

describe(scopeFilters, () => {
  const OFF = { [SOFT_DELETE_FILTER]: false };

  it.each([undefined, false, true, ['tenant'], { tenant: true }] as const)(
    'leaves %j to the filter where rows are active',
    (filters) => {
      expect(scopeFilters('active', filters as never)).toBe(filters);
    },
  );

  it.each<[any, any]>([
    [undefined, OFF],
    [true, OFF],
    [false, false],
    [['tenant', 'published'], { tenant: true, published: true, ...OFF }],
    [
      { tenant: { id: 7 }, other: false },
      { tenant: { id: 7 }, other: false, ...OFF },
    ],
  ])('makes of %j, for a wider scope, %j', (filters, scoped) => {
    expect(scopeFilters('with', filters)).toEqual(scoped);
    expect(scopeFilters('only', filters)).toEqual(scoped);
  });

  it('adds the condition of deleted rows, and none for both', () => {
    const where = { name: 'Ada' };
    expect(scopeWhere('only', 'goneAt', where)).toEqual({ $and: [where, { goneAt: { $ne: null } }] });
    expect(scopeWhere('only', 'goneAt', undefined)).toEqual({ $and: [{}, { goneAt: { $ne: null } }] });
    expect(scopeWhere('with', 'goneAt', where as never)).toBe(where);
    expect(scopeWhere('active', 'goneAt', undefined)).toEqual({});
    expect((['active', 'with', 'only'] as const).map((scope) => scopePredicate(scope, 'goneAt'))).toEqual([
      { goneAt: null },
      {},
      { goneAt: { $ne: null } },
    ]);
  });
});

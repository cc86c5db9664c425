import { ScopeStorage } from '../../../lib/installation/scope-storage.js';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import { readScope } from '../../../lib/orm/read-scope.js';

describe(readScope, () => {
  const scope = new ScopeStorage();
  const read = (filters: any) => readScope({ scope } as never, filters);

  it.each([false, { [SOFT_DELETE_FILTER]: false }])(
    'shows deleted rows too where %j switches the filter off',
    (filters) => {
      expect(read(filters)).toBe('with');
      expect(scope.run('active', () => read(filters))).toBe('with');
      expect(scope.run('only', () => read(filters))).toBe('only');
      expect(scope.run('with', () => read(filters))).toBe('with');
    },
  );

  it.each([undefined, null, true, {}, [], [SOFT_DELETE_FILTER], { tenant: false }, { [SOFT_DELETE_FILTER]: true }])(
    'shows what the scope around it shows where the filters are %j',
    (filters) => {
      expect(read(filters)).toBe('active');
      expect(scope.run('only', () => read(filters))).toBe('only');
      expect(scope.run('with', () => read(filters))).toBe('with');
    },
  );
});

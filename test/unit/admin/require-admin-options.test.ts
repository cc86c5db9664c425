import {
  requireAdminOptions,
  requireAsyncAdminOptions,
  requireProducedOptions,
} from '../../../lib/admin/require-admin-options.js';
import type { SoftDeleteAdminOptions } from '../../../lib/admin/soft-delete-admin.options.js';
import { SoftDeleteConfigError } from '../../../lib/errors/soft-delete-config.error.js';

class Guard {
  canActivate() {
    return true;
  }
}
class Customer {
  id!: number;
}
const valid: SoftDeleteAdminOptions = { path: 'admin/deleted', guards: [Guard] };
const useFactory = () => ({});

/** What is wrong, by the option that it is about. */
function problemOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    return (error as Error).message;
  }
}

describe(requireAdminOptions.name, () => {
  const refuse = (options: object) => problemOf(() => requireAdminOptions({ ...valid, ...options } as never));

  it.each([
    { path: '/admin' },
    { path: 'admin/' },
    { path: 'a.b/c~d/e-f/g_h' },
    { guards: 'none' },
    { guards: [new Guard()] },
    { guards: [Guard, new Guard()] },
    { credentials: 'cookie' },
    { credentials: 'bearer' },
    { credentials: { header: 'x-api-key' } },
    { imports: [], ui: false, contextName: 'crm', entities: [], can: () => true, actor: () => 'ada', locale: {} },
    { locale: { title: 'Papierkorb' } },
    { entities: [Customer, { entity: Customer }] },
    { entities: [{ entity: Customer, label: () => 'x', columns: ['name'], search: ['name'] }] },
  ])('takes %j', (options) => {
    expect(refuse(options)).toBeUndefined();
  });

  it.each([undefined, 7, '', '/', 'admin//deleted', 'admin/:id', 'admin deleted', '//admin'])(
    'refuses the path %p, and shows one',
    (path) => {
      expect(refuse({ path })).toMatch(
        /^SoftDeleteAdminModule\.forRoot\(\), path: .* is not the path of a page\. Write for example 'admin\/deleted', without parameters\.$/,
      );
    },
  );

  it.each([undefined, null, [], 'nobody', [undefined], [{}], [Guard, null]])(
    'refuses the guards %p, which let everybody in',
    (guards) => {
      expect(refuse({ guards })).toMatch(
        /^SoftDeleteAdminModule\.forRoot\(\), guards: .* lets everybody read, restore and remove deleted rows\. Write \[AdminGuard\], or 'none' if /,
      );
    },
  );

  it.each(['basic', 7, null, {}, { header: '' }, { header: 'x y' }, { header: 'x:y' }])(
    'refuses the credentials %p',
    (credentials) => {
      expect(refuse({ credentials })).toMatch(
        /, credentials: .* cannot be sent by a browser\. Write 'cookie', 'bearer' or \{ header: 'x-api-key' \}\.$/,
      );
    },
  );

  it.each([
    ['guard', { guard: [Guard] }],
    ['useFactory', { useFactory }],
    ['credentials.name', { credentials: { header: 'x-key', name: 'x' } }],
    ['imports', { imports: Guard }],
    ['ui', { ui: 'no' }],
    ['contextName', { contextName: 7 }],
    ['entities', { entities: Customer }],
    ['can', { can: true }],
    ['actor', { actor: 'ada' }],
    ['locale', { locale: 'de' }],
    ['locale.titel', { locale: { titel: 'x' } }],
    ['locale.title', { locale: { title: 7 } }],
    ['entities[1], colums', { entities: [Customer, { entity: Customer, colums: [] }] }],
    ['entities[0], label', { entities: [{ entity: Customer, label: 'name' }] }],
    ['entities[0], columns', { entities: [{ entity: Customer, columns: 'name' }] }],
    ['entities[0], search', { entities: [{ entity: Customer, search: 'name' }] }],
  ])('refuses a wrong %s, and names it', (option, options) => {
    const [first = '', second = ''] = option.split(/[.,] ?/);
    const problem = refuse(options);
    expect(problem).toContain(`SoftDeleteAdminModule.forRoot()`);
    expect(problem).toContain(first);
    expect(problem).toContain(second);
  });

  it.each([undefined, null, 'Customer', {}, { entity: undefined }, { entity: 'Customer' }])(
    'refuses %p, which names no entity',
    (item) => {
      expect(refuse({ entities: [Customer, item] })).toMatch(
        /^SoftDeleteAdminModule\.forRoot\(\), entities\[1\]: .* is not an entity\. Write an entity or \{ entity: Customer, … \}\. An undefined one usually comes from a circular import\.$/,
      );
    },
  );
});

describe(requireAsyncAdminOptions.name, () => {
  const refuse = (options: object) => problemOf(() => requireAsyncAdminOptions({ ...valid, ...options } as never));

  it('takes one way to the options', () => {
    expect(refuse({ useFactory, inject: [Customer] })).toBeUndefined();
    expect(refuse({ useClass: Customer })).toBeUndefined();
    expect(refuse({ useExisting: Customer })).toBeUndefined();
  });

  it('refuses none, and several', () => {
    expect(refuse({})).toBe(
      'SoftDeleteAdminModule.forRootAsync(): nothing says where the options come from. Write one of useFactory: () => ({ … }), useClass: SomeOptionsFactory or useExisting: SomeOptionsFactory.',
    );
    expect(refuse({ useFactory, useExisting: Customer })).toMatch(
      /^SoftDeleteAdminModule\.forRootAsync\(\): useFactory and useExisting are both given\./,
    );
  });

  it('refuses what belongs into the factory, and what cannot work', () => {
    expect(refuse({ useFactory, entities: [Customer] })).toContain('entities');
    expect(refuse({ useFactory, guards: [] })).toContain('SoftDeleteAdminModule.forRootAsync(), guards');
  });
});

describe(requireProducedOptions.name, () => {
  const refuse = (options: object) => problemOf(() => requireProducedOptions(options));

  it('takes what a factory may return, and refuses what routes are made of', () => {
    expect(refuse({ entities: [Customer], can: () => true, actor: () => 'ada', locale: {} })).toBeUndefined();
    expect(refuse({ guards: 'none' })).toMatch(
      /^SoftDeleteAdminModule\.forRootAsync\(\), the options factory, guards: /,
    );
    expect(refuse({ can: true })).toMatch(/^SoftDeleteAdminModule\.forRootAsync\(\), the options factory, can: /);
  });
});

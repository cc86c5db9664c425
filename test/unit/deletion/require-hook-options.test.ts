import { defineEntity, p } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { requireHookOptions } from '../../../lib/deletion/hooks/require-hook-options.js';

class User {
  name?: string;
}
const Product = defineEntity({ name: 'Product', properties: { id: p.integer().primary() } });

describe(requireHookOptions, () => {
  it.each([
    ['a class', User],
    ['a schema', Product],
  ])('takes a hook for %s', (_, entity) => {
    expect(() => requireHookOptions('@OnDelete()', entity, {})).not.toThrow();
    expect(() => requireHookOptions('@OnDelete()', entity, { fields: ['name'] })).not.toThrow();
  });

  it.each([undefined, null, '', 'User', 7])('refuses one for %p', (entity) => {
    expect(() => requireHookOptions('@OnDelete()', entity, {})).toThrow(SoftDeleteConfigError);
    expect(() => requireHookOptions('@OnDelete()', entity, {})).toThrow('is not an entity');
  });

  it.each<[string, object]>([
    ['an unknown option', { field: ['name'] }],
    ['a field outside of a list', { fields: 'name' }],
    ['a field that is no text', { fields: ['name', 7] }],
    ['a field that is not there', { fields: [undefined] }],
  ])('refuses %s', (_, options) => {
    expect(() => requireHookOptions('@OnDelete()', User, options)).toThrow(SoftDeleteConfigError);
  });
});

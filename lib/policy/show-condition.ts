import { isRaw, RawQueryFragment, Utils } from '@mikro-orm/core';

/**
 * A condition as it is written in the source of an entity, on one line: `{ status: 'draft', at: { $gt: 3 } }`.
 *
 * @internal
 */
export function showCondition(value: unknown): string {
  if (isRaw(value)) {
    return `raw('${value.sql}')`;
  }
  if (typeof value === 'string') {
    return `'${value}'`;
  }
  if (value instanceof Date) {
    return `'${value.toISOString()}'`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(showCondition).join(', ')}]`;
  }
  if (Utils.isPlainObject(value)) {
    const entries = Reflect.ownKeys(value).map((name) => {
      const fragment = RawQueryFragment.getKnownFragment(name as never);
      const key = fragment ? `[${showCondition(fragment)}]` : String(name);
      return `${key}: ${showCondition((value as Record<PropertyKey, unknown>)[name])}`;
    });
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

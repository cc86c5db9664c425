import type { SoftDeletableOptions } from '../options/soft-deletable-options.js';

const MARK = Symbol.for('nestjs-mikro-orm-soft-delete/mark');

/**
 * Remembers on the class itself that it is soft-deletable: the class is what decorators, `defineEntity()` and the ORM's
 * metadata of every ORM instance have in common.
 *
 * @internal
 */
export function setMark(target: object, options: SoftDeletableOptions): void {
  Object.defineProperty(target, MARK, { value: { ...options }, configurable: true });
}

/**
 * The options that a class or one of its base classes was marked with.
 *
 * @internal
 */
export function getMark(target: object | undefined): SoftDeletableOptions | undefined {
  return target && (target as { [MARK]?: SoftDeletableOptions })[MARK];
}

/**
 * Whether the class was marked itself, not a base class.
 *
 * @internal
 */
export function hasOwnMark(target: object): boolean {
  return Object.hasOwn(target, MARK);
}

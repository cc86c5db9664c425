import type { EntityClass } from '@mikro-orm/core';
import type { DeletionHandler, DeletionHookOptions, HookedAction } from './deletion-hook.js';
import { addHookMark } from './hook.mark.js';
import { requireHookOptions } from './require-hook-options.js';

/** A method decorator, TypeScript's and ECMAScript's alike, that has the method called for an entity. @internal */
export function markMethod<Entity extends object>(
  name: string,
  action: HookedAction,
  entity: EntityClass<Entity>,
  options: DeletionHookOptions<Entity>,
) {
  requireHookOptions(`@${name}(${entity?.name ?? ''})`, entity, options);
  function mark<Method extends DeletionHandler<Entity>>(method: Method, context: ClassMethodDecoratorContext): void;
  function mark<Method extends DeletionHandler<Entity>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
  function mark(target: object, _key: unknown, descriptor?: PropertyDescriptor): void {
    addHookMark(descriptor ? (descriptor.value as object) : target, { action, entity, options });
  }
  return mark;
}

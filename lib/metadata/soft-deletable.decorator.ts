import type { EntityCtor, EntitySchema } from '@mikro-orm/core';
import type { SoftDeletableOptions } from '../options/soft-deletable-options.js';
import { setMark } from './soft-deletable.mark.js';

type Instance<Target> = Target extends abstract new (...args: any[]) => infer Entity ? Entity : any;

/**
 * Marks an entity as soft-deletable. Works as a TypeScript (`experimentalDecorators`) and as an ECMAScript decorator, above
 * or below `@Entity()`. In an inheritance hierarchy, mark the root.
 *
 * ```ts
 * @SoftDeletable({ retention: '30d' })
 * @Entity()
 * export class User extends SoftDeletableEntity { … }
 * ```
 *
 * @publicApi
 */
export function SoftDeletable<Entity = any>(options: NoInfer<SoftDeletableOptions<Entity>> = {}) {
  return function mark<Target extends abstract new (...args: any[]) => Entity>(
    target: Target,
    _context?: ClassDecoratorContext<Target>,
  ): void {
    setMark(target, options as SoftDeletableOptions);
  };
}

/**
 * Marks an entity that is defined with `defineEntity()` or `new EntitySchema()` as soft-deletable, and returns it.
 *
 * ```ts
 * export const UserSchema = softDeletable(defineEntity({ … }), { retention: '30d' });
 * ```
 *
 * @publicApi
 */
export function softDeletable<Schema extends EntitySchema<any, any>>(
  schema: Schema,
  options: SoftDeletableOptions<Schema extends { class: infer Class } ? Instance<Class> : any> = {},
): Schema {
  setMark(schema.meta.class as EntityCtor, options as SoftDeletableOptions);
  return schema;
}

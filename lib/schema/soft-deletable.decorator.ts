import type { EntityCtor } from '@mikro-orm/core';
import type { AnyEntitySchema } from '../options/any-of-the-orm.js';
import { setMark } from '../metadata/soft-deletable.mark.js';
import { requireMarkOptions } from '../options/require-mark-options.js';
import type { SoftDeletableOptions } from '../options/soft-deletable-options.js';
import { declareDatabaseObjects } from './declare-database-objects.js';
import { type AnySchema, DefinitionTarget } from './definition-target.js';

type Instance<Target> = Target extends abstract new (...args: any[]) => infer Entity ? Entity : any;

/**
 * Marks an entity as soft-deletable. Works as a TypeScript (`experimentalDecorators`) and as an ECMAScript decorator, above
 * or below `@Entity()`. In an inheritance hierarchy, mark the root.
 *
 * The ORM's schema generator and migrations include what the mark adds to the table: the index on deleted rows, the guard trigger of
 * `guard: true`, and, for an owning one-to-one relation, a unique index over active rows instead of the unique constraint.
 *
 * ```ts
 * @SoftDeletable({ retention: '30d' })
 * @Entity()
 * export class User extends SoftDeletableEntity { … }
 * ```
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @publicApi
 */
export function SoftDeletable<Entity = any>(options: NoInfer<SoftDeletableOptions<Entity>> = {}) {
  return function mark<Target extends abstract new (...args: any[]) => object>(
    target: Target,
    context?: ClassDecoratorContext<Target>,
  ): void {
    requireMarkOptions(`@SoftDeletable() on ${target.name}`, options as SoftDeletableOptions);
    setMark(target, options as SoftDeletableOptions);
    declareDatabaseObjects(
      DefinitionTarget.ofClass(target, typeof context === 'object' ? (context as ClassDecoratorContext) : undefined),
      options as SoftDeletableOptions,
    );
  };
}

/**
 * Marks an entity that is defined with `defineEntity()` or `new EntitySchema()` as soft-deletable, and returns it.
 *
 * ```ts
 * export const UserSchema = softDeletable(defineEntity({ … }), { retention: '30d' });
 * ```
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @publicApi
 */
export function softDeletable<Schema extends AnySchema>(
  schema: Schema,
  options: SoftDeletableOptions<Schema extends { class: infer Class } ? Instance<Class> : any> = {},
): Schema {
  const target = schema as unknown as AnyEntitySchema;
  requireMarkOptions(`softDeletable() on ${target.meta.className}`, options as SoftDeletableOptions);
  setMark(target.meta.class as EntityCtor, options as SoftDeletableOptions);
  declareDatabaseObjects(DefinitionTarget.ofSchema(target), options as SoftDeletableOptions);
  return schema;
}

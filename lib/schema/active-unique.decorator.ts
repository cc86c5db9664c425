import type { AnyEntitySchema, SchemaOf } from '../options/any-of-the-orm.js';
import { activeDefinition, type ActiveUniqueOptions } from './active-definition.js';
import { decorate, type SchemaDecorator } from './decorate.js';
import { type AnySchema, DefinitionTarget } from './definition-target.js';

/**
 * Makes a property, or several together, unique among active rows: the email address of a deleted row can be used again. A class or
 * property decorator, TypeScript's or ECMAScript's: the ORM's `@Unique()` with a condition.
 *
 * On an owning one-to-one relation it replaces the unique constraint that the ORM adds to the foreign key.
 *
 * ```ts
 * @SoftDeletable()
 * @ActiveUnique({ properties: ['tenant', 'slug'] })
 * @Entity()
 * export class Page extends SoftDeletableEntity {
 *   @ActiveUnique()
 *   @Property()
 *   path!: string;
 * }
 * ```
 *
 * @throws SoftDeleteConfigError if it names no property; at discovery, if the entity's table has no timestamp because it is below the root
 * of a table-per-type hierarchy
 * @publicApi
 */
export function ActiveUnique<Entity = any>(options: ActiveUniqueOptions<Entity> = {}): SchemaDecorator {
  return decorate((target, property) => add(target, options as ActiveUniqueOptions, property));
}

/**
 * `@ActiveUnique()` for an entity that is defined with `defineEntity()` or `new EntitySchema()`. Returns the schema.
 *
 * @throws SoftDeleteConfigError as `@ActiveUnique()` does
 * @publicApi
 */
export function activeUnique<Schema extends AnySchema>(
  schema: Schema,
  options: ActiveUniqueOptions<Schema extends SchemaOf<infer Entity> ? Entity : any>,
): Schema {
  add(DefinitionTarget.ofSchema(schema as unknown as AnyEntitySchema), options);
  return schema;
}

function add(target: DefinitionTarget, options: ActiveUniqueOptions, property?: string): void {
  const definition = activeDefinition('ActiveUnique', target, options, property);
  const properties = [definition.properties].flat();
  if (properties.length === 1) {
    target.releaseOneToOne(properties);
  }
  target.add('uniques', definition as never);
}

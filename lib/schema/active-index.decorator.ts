import type { AnyEntitySchema, SchemaOf } from '../options/any-of-the-orm.js';
import { activeDefinition, type ActiveIndexOptions } from './active-definition.js';
import { decorate, type SchemaDecorator } from './decorate.js';
import { type AnySchema, DefinitionTarget } from './definition-target.js';

/**
 * Adds an index over active rows only: deleted rows do not enlarge it, and queries that hide deleted rows use it. A class or property
 * decorator, TypeScript's or ECMAScript's: the ORM's `@Index()` with a condition.
 *
 * @throws SoftDeleteConfigError if it names no property; at discovery, if the entity's table has no timestamp because it is below the root
 * of a table-per-type hierarchy
 * @publicApi
 */
export function ActiveIndex<Entity = any>(options: ActiveIndexOptions<Entity> = {}): SchemaDecorator {
  return decorate((target, property) =>
    target.add('indexes', activeDefinition('ActiveIndex', target, options, property) as never),
  );
}

/**
 * `@ActiveIndex()` for an entity that is defined with `defineEntity()` or `new EntitySchema()`. Returns the schema.
 *
 * @throws SoftDeleteConfigError as `@ActiveIndex()` does
 * @publicApi
 */
export function activeIndex<Schema extends AnySchema>(
  schema: Schema,
  options: ActiveIndexOptions<Schema extends SchemaOf<infer Entity> ? Entity : any>,
): Schema {
  const target = DefinitionTarget.ofSchema(schema as unknown as AnyEntitySchema);
  target.add('indexes', activeDefinition('ActiveIndex', target, options) as never);
  return schema;
}

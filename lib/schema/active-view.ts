import {
  type EntityCtor,
  type EntityMetadata,
  type EntityProperty,
  EntitySchema,
  ReferenceKind,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SchemaOf } from '../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getMark } from '../metadata/soft-deletable.mark.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { activeViewSql } from './active-view-sql.js';
import { type Definable, definitionsOf, lineage } from './definition-target.js';

/** @publicApi */
export interface ActiveViewOptions {
  /**
   * The name of the view in the database.
   *
   * @default `active_<table>`, in the schema of the table
   */
  name?: string;
}

/** The rows belong to the entity: through the view nothing is cascaded, generated, checked or wired. */
const NOT_OF_A_VIEW = new Set(
  'inversedBy orphanRemoval cascade version unique index check onCreate onUpdate'.split(' '),
);
const SOURCE = Symbol.for('nestjs-mikro-orm-soft-delete/active-view');

/**
 * A read-only entity over a database view of an entity's active rows, with the same columns, for raw SQL, reports and BI
 * tools. Add it to the `entities` of the ORM: the schema generator and migrations create, change and drop it with the table.
 * To-one relations, one-to-many relations and embedded objects work on it as on the entity; many-to-many relations do not.
 *
 * ```ts
 * export const ActiveUser = activeView(User);
 * const rows = await em.find(ActiveUser, { email: 'ada@example.org' });
 * ```
 *
 * When the columns change, the view is dropped and created again, and loses its grants: see `docs/schema.md`.
 *
 * @throws SoftDeleteConfigError at discovery, if the entity is not soft-deletable
 * @publicApi
 */
export function activeView<Entity extends object>(
  entity: (abstract new (...args: any[]) => Entity) | SchemaOf<Entity>,
  options: ActiveViewOptions = {},
): EntitySchema<Entity> {
  refuseUnknownOptions('activeView()', options, ['name']);
  requireType('activeView(), name', options.name, 'string');
  const source = entity as Definable;
  const sourceName = EntitySchema.is(source) ? source.meta.className : source.name;
  const schema = new EntitySchema({
    name: options.name ? pascalCase(options.name) : `Active${sourceName}`,
    view: true,
    expression: (em: EntityManager) => activeViewSql(em, classOf(source)),
  } as never);
  // Read by the ORM when it discovers the view: by then all decorators of the entity have run.
  define(schema.meta, 'properties', () => viewProperties(source, schema.meta.class as EntityCtor));
  define(schema.meta, 'collection', () => options.name ?? defaultName(definitionsOf(source)));
  define(schema.meta, 'schema', () => (options.name?.includes('.') ? undefined : schemaOf(source)));
  Object.defineProperty(schema.meta.class, SOURCE, { value: source });
  return schema as EntitySchema<Entity>;
}

/**
 * The class whose active rows a view shows.
 *
 * @internal
 */
export function viewSource(meta: EntityMetadata): EntityCtor | undefined {
  const source = (meta.class as { [SOURCE]?: Definable })[SOURCE];
  return source && classOf(source);
}

function define(meta: EntityMetadata, key: keyof EntityMetadata, get: () => unknown): void {
  Object.defineProperty(meta, key, { get, enumerable: true, configurable: true });
}

function classOf(entity: Definable): EntityCtor {
  return EntitySchema.is(entity) ? (entity.meta.class as EntityCtor) : entity;
}

/** `undefined` leaves it to the naming strategy of the ORM, which makes `active_user` of `ActiveUser`. */
function defaultName(definition: EntityMetadata | undefined): string | undefined {
  const table = definition?.collection ?? definition?.tableName;
  return table?.replace(/[^.]+$/, 'active_$&');
}

/** A class of a single-table hierarchy lives in the schema of its root. */
function schemaOf(entity: Definable): string | undefined {
  const root = lineage(entity)
    .map(definitionsOf)
    .find((definition) => definition?.discriminator ?? definition?.discriminatorColumn);
  return definitionsOf(entity)?.schema ?? root?.schema;
}

function viewProperties(source: Definable, view: EntityCtor): Record<string, EntityProperty> {
  const entity = classOf(source);
  const mark = getMark(entity);
  if (mark?.strategy === 'archive') {
    throw new SoftDeleteConfigError(
      `activeView(${entity.name})`,
      "with `strategy: 'archive'` the table contains only active rows.",
      'Read the table itself.',
    );
  }
  if (!mark) {
    throw new SoftDeleteConfigError(
      `activeView(${entity.name})`,
      'the entity is not soft-deletable, so it has no deleted rows to leave out.',
      'Mark it with @SoftDeletable() or softDeletable(schema).',
    );
  }
  const properties: Record<string, EntityProperty> = {};
  for (const base of lineage(source)) {
    for (const [name, prop] of Object.entries<EntityProperty>(definitionsOf(base)?.properties ?? {})) {
      if (prop.kind !== ReferenceKind.MANY_TO_MANY) {
        properties[name] = Object.fromEntries(Object.entries(prop).filter(([key]) => !NOT_OF_A_VIEW.has(key))) as never;
        copyDesignType(classOf(base), view, name);
      }
    }
  }
  return properties;
}

/** The ORM's `ReflectMetadataProvider` looks on the view's class for the types that TypeScript left on the entity's. */
function copyDesignType(from: EntityCtor, to: EntityCtor, name: string): void {
  const reflect = Reflect as unknown as {
    getMetadata?(key: string, target: object, name: string): unknown;
    defineMetadata?(key: string, value: unknown, target: object, name: string): void;
  };
  const type = reflect.getMetadata?.('design:type', from.prototype, name);
  if (type !== undefined) {
    reflect.defineMetadata?.('design:type', type, to.prototype, name);
  }
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

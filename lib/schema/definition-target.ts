import {
  type EntityCtor,
  EntityMetadata,
  EntitySchema,
  MetadataStorage,
  type EntityProperty,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { AnyEntitySchema } from '../options/any-of-the-orm.js';
import { getMark } from '../metadata/soft-deletable.mark.js';
import type { SoftDeletableOptions } from '../options/soft-deletable-options.js';

type Definitions = Partial<Pick<EntityMetadata, 'indexes' | 'uniques' | 'triggers' | 'properties'>>;
/** An entity before discovery. @internal */
export type Definable = EntityCtor | AnyEntitySchema;
/** An `EntitySchema` of which TypeScript need not know the properties: those of another one may name it while it is defined. @publicApi */
export type AnySchema = { readonly meta: object; readonly tableName: string };
/** Where ECMAScript decorators leave what they found out, and who left it. */
type OwnMetadata = Definitions & { [MARKED_CLASS]?: EntityCtor };
type WithMetadata = EntityCtor & { [MetadataStorage.META_SYMBOL]?: EntityMetadata };
type DefinitionKind = 'indexes' | 'uniques' | 'triggers';

const MARKED_CLASS = Symbol.for('nestjs-mikro-orm-soft-delete/marked-class');

/**
 * Where definitions of database objects are written before the ORM discovers the entity: the metadata of a decorated class,
 * the metadata object of ECMAScript decorators, or an entity schema. The ORM copies them at discovery, reading getters, so
 * what a definition takes from the mark or from the primary key is a getter: decorators may stand in any order.
 *
 * @internal
 */
export class DefinitionTarget {
  private constructor(
    readonly name: string,
    private readonly read: () => Definitions,
    /** What is decorated; `undefined` while it is a field of an ECMAScript class. */
    private readonly own: () => Definable | undefined,
    /** The class with the mark, its own or inherited, as far as it is known. */
    private readonly marked: () => Definable | undefined,
  ) {}

  /** The target of a class decorator of either kind. */
  static ofClass(target: Function, context?: ClassDecoratorContext): DefinitionTarget {
    const entity = target as EntityCtor;
    const read = () =>
      EntitySchema.REGISTRY.get(entity)?.meta ??
      (context?.metadata && ownMetadata(entity)?.class !== entity
        ? (context.metadata as Definitions)
        : ensureMetadata(entity));
    if (context?.metadata && getMark(entity)) {
      (context.metadata as OwnMetadata)[MARKED_CLASS] = entity;
    }
    return new DefinitionTarget(
      target.name,
      read,
      () => entity,
      () => entity,
    );
  }

  /** The target of an ECMAScript field decorator, which does not know its class. */
  static ofField(context: ClassMemberDecoratorContext): DefinitionTarget {
    const metadata = context.metadata as OwnMetadata;
    return new DefinitionTarget(
      `the class of ${String(context.name)}`,
      () => metadata,
      () => (Object.hasOwn(metadata, MARKED_CLASS) ? metadata[MARKED_CLASS] : undefined),
      () => metadata[MARKED_CLASS],
    );
  }

  static ofSchema(schema: AnyEntitySchema): DefinitionTarget {
    return new DefinitionTarget(
      schema.meta.className,
      () => schema.meta as Definitions,
      () => schema,
      () => schema,
    );
  }

  /** The options of the mark that the class has or inherits. */
  get mark(): SoftDeletableOptions | undefined {
    const marked = this.marked();
    return getMark(EntitySchema.is(marked) ? marked.meta.class : marked);
  }

  /** The names of the primary key's properties, those of base classes first. */
  get primaryKeys(): string[] {
    const keys = new Set<string>();
    for (const entity of lineage(this.marked())) {
      for (const [name, prop] of Object.entries(definitionsOf(entity)?.properties ?? {})) {
        if ((prop as EntityProperty | undefined)?.primary) {
          keys.add(name);
        }
      }
    }
    return [...keys];
  }

  /** Whether the class has the property, its own or inherited, as far as it is known. */
  declares(property: string): boolean {
    return lineage(this.marked()).some((entity) =>
      Object.keys(definitionsOf(entity)?.properties ?? {}).includes(property),
    );
  }

  /** The root of the table-per-type hierarchy whose table has the timestamp, if this is a class below it. */
  get joinedRoot(): string | undefined {
    const own = this.own();
    const root = lineage(this.marked()).find((entity) => definitionsOf(entity)?.inheritance === 'tpt');
    return root && root !== own ? Utils.className(root) : undefined;
  }

  get uniques(): readonly { readonly properties?: unknown }[] {
    return this.read().uniques ?? [];
  }

  add<Kind extends DefinitionKind>(kind: Kind, definition: EntityMetadata[Kind][number]): void {
    const definitions = this.read();
    if (!Object.hasOwn(definitions, kind)) {
      // With ECMAScript decorators the metadata object inherits from the base class's, whose list must stay as it is.
      definitions[kind] = [...(definitions[kind] ?? [])] as never;
    }
    (definitions[kind] as unknown[]).push(definition);
  }

  /**
   * Takes the unique constraint that the ORM adds to the foreign key of every owning one-to-one relation away from those
   * named, or from all that the class declares. One that was asked for with `unique: true` stays.
   *
   * @returns the relations, and the properties that may turn out to be one
   */
  releaseOneToOne(names?: readonly string[]): ReleasedRelation[] {
    const definitions = this.read();
    const declared = Object.keys(definitions.properties ?? {}).filter((name) => names?.includes(name) ?? true);
    const released = declared.flatMap((name) => release(definitions, name) ?? []);
    const missing = names?.filter((name) => !declared.includes(name)) ?? [];
    if (missing.length > 0) {
      // The property's own decorator is still to come: look again when the ORM reads the properties.
      let { properties } = definitions;
      Object.defineProperty(definitions, 'properties', {
        get: () => {
          missing.forEach((name) => releaseUnique(properties?.[name as never]));
          return properties;
        },
        set: (value) => {
          properties = value;
        },
        enumerable: true,
        configurable: true,
      });
    }
    return released;
  }
}

/** A property that is, or may be, a one-to-one relation whose key is no longer unique. @internal */
export interface ReleasedRelation {
  readonly name: string;
  /** To be asked at discovery. */
  readonly isReleased: () => boolean;
}

/**
 * `defineEntity()` takes functions for relations, which may name entities that are defined later. What such a function gives
 * is looked at when the ORM asks for it.
 */
function release(definitions: Definitions, name: string): ReleasedRelation | undefined {
  const properties = definitions.properties as Record<string, EntityProperty>;
  const { get, set } = Object.getOwnPropertyDescriptor(properties, name)!;
  if (!get) {
    return releaseUnique(properties[name]) ? { name, isReleased: () => true } : undefined;
  }
  let isReleased = false;
  const read = () => {
    const prop = get.call(properties) as EntityProperty;
    isReleased = releaseUnique(prop) || isReleased;
    return prop;
  };
  definitions.properties = Object.create(Object.getPrototypeOf(properties), {
    ...Object.getOwnPropertyDescriptors(properties),
    [name]: { get: read, set, enumerable: true, configurable: true },
  });
  return {
    name,
    isReleased: () => {
      read();
      return isReleased;
    },
  };
}

function releaseUnique(prop: EntityProperty | undefined): boolean {
  const isImplicit = prop !== undefined && hasImplicitUnique(prop);
  if (isImplicit) {
    prop.unique = false;
  }
  return isImplicit;
}

function hasImplicitUnique(prop: EntityProperty): boolean {
  return (
    prop.kind === ReferenceKind.ONE_TO_ONE &&
    prop.unique === undefined &&
    !prop.primary &&
    prop.persist !== false &&
    (prop.owner ?? (Boolean(prop.inversedBy) || !prop.mappedBy))
  );
}

/**
 * What the ORM was told about an entity before discovery.
 *
 * @internal
 */
export function definitionsOf(entity: Definable): EntityMetadata | undefined {
  return EntitySchema.is(entity) ? entity.meta : (EntitySchema.REGISTRY.get(entity)?.meta ?? ownMetadata(entity));
}

/**
 * The entity and what it extends, the base first.
 *
 * @internal
 */
export function lineage(entity: Definable | undefined): Definable[] {
  const found: Definable[] = [];
  for (let current = entity; current; current = baseOf(current)) {
    found.unshift(current);
  }
  return found;
}

function baseOf(entity: Definable): Definable | undefined {
  const base =
    definitionsOf(entity)?.extends ?? Object.getPrototypeOf(EntitySchema.is(entity) ? entity.meta.class : entity);
  return EntitySchema.is(base) || (typeof base === 'function' && base.prototype) ? (base as Definable) : undefined;
}

function ownMetadata(entity: EntityCtor): EntityMetadata | undefined {
  return Object.hasOwn(entity, MetadataStorage.META_SYMBOL)
    ? (entity as WithMetadata)[MetadataStorage.META_SYMBOL]
    : undefined;
}

/** The ORM's own decorators find it by the same symbol and go on with it. */
function ensureMetadata(entity: EntityCtor): EntityMetadata {
  const found = ownMetadata(entity);
  if (found) {
    return found;
  }
  const value = new EntityMetadata({ className: entity.name });
  Object.defineProperty(entity, MetadataStorage.META_SYMBOL, { value, writable: true });
  return value;
}

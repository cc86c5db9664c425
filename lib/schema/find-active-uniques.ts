import { type EntityMetadata, type EntityProperty, isRaw, type Platform, Utils } from '@mikro-orm/core';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';

/**
 * A unique index over active rows.
 *
 * @internal
 */
export interface ActiveUniqueMetadata {
  /** The name of the index in the database. */
  readonly name: string;
  readonly properties: readonly string[];
  readonly columns: readonly string[];
  /** The whole condition, as the ORM's query language or as SQL: what an upsert must repeat. */
  readonly where: Record<string, unknown> | string;
  /** Whether rows must be active and nothing else to be in the index. */
  readonly allActiveRows: boolean;
}

/**
 * The unique indexes of an entity that leave deleted rows out: those of `@ActiveUnique()`, and those written by hand with
 * the ORM's `@Unique({ where })`. Those of the classes of a single-table hierarchy are with its root.
 *
 * @internal
 */
export function findActiveUniques(entry: SoftDeletableEntityMetadata, platform: Platform): ActiveUniqueMetadata[] {
  const { meta } = entry;
  return meta.uniques.flatMap((unique) => {
    const condition = readCondition(entry, unique.where);
    const properties = Utils.asArray(unique.properties as string | string[]);
    if (!condition || unique.expression || properties.length === 0) {
      return [];
    }
    const columns = properties.flatMap((property) => columnsOf(meta, property));
    return {
      name: unique.name ?? platform.getIndexName(meta.tableName, columns, 'unique'),
      properties,
      columns,
      ...condition,
    };
  });
}

/** `undefined` if the condition lets deleted rows in. */
function readCondition(
  { property, column }: SoftDeletableEntityMetadata,
  where: unknown,
): Pick<ActiveUniqueMetadata, 'where' | 'allActiveRows'> | undefined {
  if (typeof where === 'string') {
    const parts = where
      .toLowerCase()
      .split(/\band\b/)
      .map((part) => part.replace(/["()\s]+/g, ' ').trim());
    return parts.includes(`${column.toLowerCase()} is null`) && !/\bor\b/i.test(where)
      ? { where, allActiveRows: parts.length === 1 }
      : undefined;
  }
  if (!Utils.isPlainObject(where) || isRaw(where) || where[property] !== null) {
    return undefined;
  }
  return { where, allActiveRows: Object.keys(where).length === 1 };
}

/** The columns of a property, or of one inside an embedded object: `address.city`. */
function columnsOf(meta: EntityMetadata, property: string): string[] {
  const [first, ...path] = property.split('.');
  const prop =
    meta.properties[property] ??
    path.reduce<EntityProperty | undefined>((prop, name) => prop?.embeddedProps?.[name], meta.properties[first!]);
  return prop?.fieldNames ?? [property];
}

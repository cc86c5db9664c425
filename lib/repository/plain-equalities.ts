import { type EntityMetadata, type EntityProperty, isRaw, Reference, ReferenceKind, Utils } from '@mikro-orm/core';

/** What a condition says that a row has. @internal */
export interface PlainEqualities {
  /** By property; of an embedded object, its properties. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Whether the condition says nothing else. */
  readonly isAll: boolean;
}

/**
 * The properties that a condition compares with one value each: what a row made to meet it needs. Operators, conditions on the rows
 * behind a relation and lists of values say nothing about one row.
 *
 * @param meta - an entity, or what an embedded object of it is made of
 * @internal
 */
export function plainEqualities(meta: Pick<EntityMetadata, 'properties'>, where: object): PlainEqualities {
  const values: Record<string, unknown> = {};
  let isAll = !isRaw(where);
  for (const [name, condition] of isAll ? Object.entries(where) : []) {
    if (name === '$and' && Array.isArray(condition)) {
      for (const part of condition) {
        const found = plainEqualities(meta, part as object);
        isAll = isAll && found.isAll && Object.keys(found.values).every((key) => !(key in values));
        Object.assign(values, found.values);
      }
      continue;
    }
    const prop = (meta.properties as Record<string, EntityProperty | undefined>)[name];
    const value = keyOf(prop, isOnlyEq(condition) ? condition.$eq : condition);
    if (prop?.kind === ReferenceKind.EMBEDDED && Utils.isPlainObject(value)) {
      const found = plainEqualities({ properties: prop.embeddedProps as never }, value as object);
      isAll &&= found.isAll;
      values[name] = found.values;
    } else if (prop && isOneValue(prop, value)) {
      values[name] = value;
    } else {
      isAll = false;
    }
  }
  return { values, isAll };
}

function isOnlyEq(condition: unknown): condition is { readonly $eq: unknown } {
  return Utils.isPlainObject(condition) && Object.keys(condition as object).join() === '$eq';
}

function isOneValue(prop: EntityProperty, value: unknown): boolean {
  if (prop.persist === false || prop.formula || Array.isArray(value) || value instanceof RegExp || isRaw(value)) {
    return false;
  }
  switch (prop.kind) {
    case ReferenceKind.SCALAR:
      return !Utils.isPlainObject(value);
    case ReferenceKind.MANY_TO_ONE:
    case ReferenceKind.ONE_TO_ONE:
      return prop.owner !== false && !Utils.isPlainObject(Reference.unwrapReference(value as object));
    default:
      return false;
  }
}

/** A reference that is written as the key's own property, as the key. */
function keyOf(prop: EntityProperty | undefined, value: unknown): unknown {
  const keys: string[] = prop?.targetMeta?.primaryKeys ?? [];
  const given = Utils.isPlainObject(value) ? Object.entries(value as Record<string, unknown>) : [];
  const isKey = keys.length === 1 && given.length === 1 && given[0]![0] === keys[0] && Utils.isPrimaryKey(given[0]![1]);
  return isKey ? given[0]![1] : value;
}

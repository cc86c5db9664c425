import { type EntityMetadata, Reference, Utils } from '@mikro-orm/core';

/** The primary key of a loaded entity: a value, or an array of values for a composite key, nested like the keys it refers to. @internal */
export function entityKey(meta: EntityMetadata, entity: object): unknown {
  const parts = meta.root.getPrimaryProps().map((prop) => {
    const value = Reference.unwrapReference((entity as Record<string, unknown>)[prop.name] as object) as unknown;
    return prop.targetMeta && Utils.isEntity(value) ? entityKey(prop.targetMeta, value) : value;
  });
  return parts.length === 1 ? parts[0] : parts;
}

import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { Installation } from '../../installation/installation.js';

const collections = new WeakMap<EntityMetadata, readonly EntityProperty[]>();

/** The to-many relations of an entity that hold soft-deletable rows. @internal */
export function softDeletableCollections(meta: EntityMetadata, { catalog }: Installation): readonly EntityProperty[] {
  let props = collections.get(meta);
  if (!props) {
    props = meta.relations.filter(
      ({ kind, targetMeta }) =>
        (kind === ReferenceKind.ONE_TO_MANY || kind === ReferenceKind.MANY_TO_MANY) &&
        targetMeta &&
        catalog.find(targetMeta),
    );
    collections.set(meta, props);
  }
  return props;
}

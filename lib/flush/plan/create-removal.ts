import { helper, ReferenceKind } from '@mikro-orm/core';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { OrmModel, SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { Removal } from '../flush-state.js';

/** Notes what an entity is before a flush removes it. @internal */
export function createRemoval(
  orm: Pick<OrmModel, 'getMetadata'>,
  entity: object,
  entry: SoftDeletableEntityMetadata,
): Removal {
  const { __originalEntityData: original, __initialized: initialized } = helper(entity);
  const names = metadataOf(orm, entity)
    .props.filter(
      ({ kind, embedded }) => !embedded && (kind === ReferenceKind.SCALAR || kind === ReferenceKind.EMBEDDED),
    )
    .filter(({ getter, persist }) => !getter && persist !== false)
    .map(({ name }) => name as string);
  const source = entity as Record<string, unknown>;
  return {
    entity,
    entry,
    original: original && { ...original },
    initialized,
    values: Object.fromEntries(names.map((name) => [name, source[name]])),
  };
}

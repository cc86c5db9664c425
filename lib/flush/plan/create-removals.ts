import { type EntityMetadata, helper, ReferenceKind } from '@mikro-orm/core';
import { metadataOf } from '../../metadata/metadata-of.js';
import { perClass } from './per-class.js';
import type { OrmModel, SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { Removal } from '../flush-state.js';

/** Notes what entities are before a flush removes them. @internal */
export function createRemovals(
  orm: Pick<OrmModel, 'getMetadata'>,
  soft: Iterable<readonly [object, SoftDeletableEntityMetadata]>,
): Removal[] {
  const namesOf = perClass(valueNames);
  return Array.from(soft, ([entity, entry]) => {
    const { __originalEntityData: original, __initialized: initialized } = helper(entity);
    const source = entity as Record<string, unknown>;
    const values: Record<string, unknown> = {};
    for (const name of namesOf(metadataOf(orm, entity))) {
      values[name] = source[name];
    }
    return { entity, entry, original: original && { ...original }, initialized, values };
  });
}

/** The properties that hold values of the row itself. */
function valueNames({ props }: EntityMetadata): string[] {
  return props
    .filter(({ kind, embedded }) => !embedded && (kind === ReferenceKind.SCALAR || kind === ReferenceKind.EMBEDDED))
    .filter(({ getter, persist }) => !getter && persist !== false)
    .map(({ name }) => name as string);
}

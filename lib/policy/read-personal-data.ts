import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PersonalDataCatalog } from '../compliance/erasure/declaration/personal-data-catalog.js';
import type { PersonalDataPolicy } from './entity-policy.js';

/** What the classes of an entity declare of personal data. @internal */
export function readPersonalData(em: EntityManager, root: EntityMetadata): PersonalDataPolicy[] {
  return PersonalDataCatalog.of(em)
    .all()
    .filter(({ meta }) => meta.root === root)
    .map(({ meta, isSubject, paths, erasesRow, keep }) => ({
      entity: meta.className,
      isSubject,
      of: paths.filter(({ name }) => name !== '').map(({ name, subject }) => `${name} (${subject.className})`),
      fields: [...new Set(paths.flatMap(({ fields }) => fields.map(({ name }) => name)))],
      erasesRow,
      ...(keep ? { keep: { for: keep.interval, from: keep.property, ground: keep.ground } } : {}),
    }))
    .sort((one, other) => (one.entity < other.entity ? -1 : 1));
}

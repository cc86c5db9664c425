import { type EntityMetadata, type EntityProperty, type Platform, ReferenceKind } from '@mikro-orm/core';
import type { UndeclaredPersonalData } from '../../../errors/erasure-undeclared.error.js';
import { type OrmModel, SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { isRelated, PersonalDataCatalog } from './personal-data-catalog.js';
import { textProperties } from './text-columns.js';

/**
 * The entities and properties of which nobody says what an erasure is to do with them: entities with a key to a person and without a
 * declaration, and text, json, bytea and inet columns of declared ones.
 *
 * @param subject - the persons that count; all unless given
 * @internal
 */
export function findUndeclared(
  orm: OrmModel & { getPlatform(): Platform },
  subject?: EntityMetadata,
): UndeclaredPersonalData[] {
  const personal = PersonalDataCatalog.of(orm);
  const catalog = SoftDeleteCatalog.of(orm);
  const subjects = personal.all().filter((entity) => entity.isSubject && (!subject || isRelated(entity.meta, subject)));
  const isAsked = (meta: EntityMetadata) => subjects.some((entity) => isRelated(entity.meta, meta));
  if (subject && subjects.length === 0) {
    return [{ entity: subject.className, properties: [] }];
  }
  const metas = personal.metas.toSorted((one, other) => one.className.localeCompare(other.className));
  return metas.flatMap((meta): UndeclaredPersonalData[] => {
    const declared = personal.of(meta);
    if (declared.length === 0) {
      const leads = !personal.isWithout(meta) && meta.relations.some((prop) => targets(prop).some(isAsked));
      // A class of a hierarchy inherits the keys of the root, which is named already.
      const isNamed = meta.root !== meta && personal.of(meta.root).length === 0 && targetsOf(meta.root).some(isAsked);
      return leads && !isNamed ? [{ entity: meta.className, properties: [] }] : [];
    }
    const leads = declared.some(({ paths }) => paths.some((path) => isAsked(path.subject)));
    if (!leads || declared.some(({ erasesRow }) => erasesRow)) {
      return [];
    }
    const properties = textProperties(catalog, meta)
      .filter((prop) => meta.root === meta || !isOfRoot(meta, prop))
      .map(({ name }) => name)
      .filter((name) => !declared.some(({ covered }) => covered.has(name)));
    return properties.length > 0 ? [{ entity: meta.className, properties }] : [];
  });
}

function targetsOf(meta: EntityMetadata): EntityMetadata[] {
  return meta.relations.flatMap(targets);
}

/** What a key points at. */
function targets({ kind, owner, persist, polymorphTargets, targetMeta }: EntityProperty): EntityMetadata[] {
  const holdsKey = kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner);
  return holdsKey && persist !== false ? (polymorphTargets ?? (targetMeta ? [targetMeta] : [])) : [];
}

/** The root of a single-table hierarchy has the properties of all classes, and speaks for those that it shares with one. */
function isOfRoot(meta: EntityMetadata, { name }: EntityProperty): boolean {
  return Object.hasOwn(meta.root.properties, name);
}

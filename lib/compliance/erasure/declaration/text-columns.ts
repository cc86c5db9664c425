import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';

/**
 * Types of columns that cannot hold what people write, arrays of them included. Whatever else there is may: a domain, a type of an extension
 * or of the application are nothing but names here.
 */
const WITHOUT_TEXT = new RegExp(
  `^(${[
    'int(eger|\\d)?|(small|big|tiny|medium)int|(small|big)?serial\\d?|decimal|numeric|real|float\\d?|double( precision)?|money',
    'bool(ean)?|date|time(stamp)?(tz)?|interval|uuid|bit|varbit|oid|xid8?|pg_lsn',
    'point|line|lseg|box|path|polygon|circle|(int[48]|num|ts|tstz|date)(multi)?range',
    'geometry|geography|vector|halfvec|sparsevec',
  ].join('|')})\\b`,
  'i',
);

/** Whether values of the type can say anything about a person. @internal */
export function isTextType(type: string | undefined): boolean {
  return type !== undefined && type !== '' && !WITHOUT_TEXT.test(type);
}

/** A property with a column of its own. @internal */
export function isColumn(meta: EntityMetadata, prop: EntityProperty): boolean {
  const isScalar = prop.kind === ReferenceKind.SCALAR || (prop.kind === ReferenceKind.EMBEDDED && prop.object);
  return Boolean(isScalar) && prop.persist !== false && !prop.formula && !isInJson(meta, prop);
}

/** A part of an embeddable that is stored as a json document. */
function isInJson(meta: EntityMetadata, prop: EntityProperty): boolean {
  const outer = prop.embedded && (meta.properties[prop.embedded[0] as never] as EntityProperty | undefined);
  return Boolean(outer) && (Boolean(outer!.object || outer!.array) || isInJson(meta, outer!));
}

/**
 * The properties of an entity of which a declaration has to say whether they are personal: those with columns that can hold what people
 * write. Not among them are keys, which have to stay, values out of a closed list, values that the database makes out of others, and
 * those that this package writes.
 *
 * @internal
 */
export function textProperties(catalog: SoftDeleteCatalog, meta: EntityMetadata): EntityProperty[] {
  const entry = catalog.find(meta);
  const own = [entry?.property, entry?.deletedBy?.property, meta.root.discriminatorColumn, meta.versionProperty];
  return meta.props.filter(
    (prop) =>
      isColumn(meta, prop) &&
      isTextType(prop.columnTypes?.[0]) &&
      !prop.primary &&
      !prop.enum &&
      !prop.nativeEnumName &&
      !prop.generated &&
      !own.includes(prop.name),
  );
}

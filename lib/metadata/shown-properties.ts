import { type EntityProperty, ReferenceKind } from '@mikro-orm/core';

const TEXT = /^(text|varchar|char|character|citext|bpchar)/i;
const BINARY = /^(bytea|blob)/i;

/**
 * Whether people who look at deleted rows may see a property: hidden and lazy ones never leave, nor do bytes and what is no column.
 *
 * @param property - the one that holds the time of deletion, which is shown by itself
 * @internal
 */
export function isShown(prop: EntityProperty, { property }: { readonly property?: string | undefined }): boolean {
  const isColumn =
    prop.kind === ReferenceKind.SCALAR ||
    prop.kind === ReferenceKind.MANY_TO_ONE ||
    (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner) ||
    prop.kind === ReferenceKind.EMBEDDED;
  return (
    isColumn &&
    !prop.hidden &&
    !prop.lazy &&
    !prop.embedded &&
    prop.persist !== false &&
    prop.name !== property &&
    !prop.columnTypes?.some((type) => BINARY.test(type))
  );
}

/**
 * Whether a property is text in the database too, so that it can be searched and read. One that a serializer masks is shown as that says,
 * and nobody may find out more by searching for it.
 *
 * @internal
 */
export function isText(prop: EntityProperty): boolean {
  return (
    prop.kind === ReferenceKind.SCALAR &&
    prop.customType === undefined &&
    prop.serializer === undefined &&
    prop.formula === undefined &&
    prop.columnTypes?.length === 1 &&
    TEXT.test(prop.columnTypes[0]!) &&
    !prop.columnTypes[0]!.endsWith('[]')
  );
}

/** Types that PostgreSQL has no order for. */
const WITHOUT_ORDER = /^(json|xml|point|line|lseg|box|path|polygon|circle)$/i;

/** Whether rows can be put in the order of a property: it has one column, of which people see the value. @internal */
export function isSortable(prop: EntityProperty | undefined): boolean {
  return (
    prop?.fieldNames?.length === 1 && prop.serializer === undefined && !WITHOUT_ORDER.test(prop.columnTypes?.[0] ?? '')
  );
}

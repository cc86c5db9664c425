import { type EntityMetadata, ReferenceKind } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { DEFAULT_PROPERTY } from '../options/default-property.js';
import { parseRetention } from '../options/duration.js';
import type { RelationPolicy, SoftDeletableOptions } from '../options/soft-deletable-options.js';
import { type DeletedByProperty, describeDeletedBy } from './describe-deleted-by.js';
import { ownTypeOf, timestampAdvice } from './timestamp-advice.js';
import { describeRelations } from './relations/describe-relations.js';

/**
 * A soft-deletable entity with everything that its marks leave open filled in. There is one per table that holds a
 * timestamp: the root of an inheritance hierarchy stands for all of it.
 *
 * @internal
 */
export interface SoftDeletableEntityMetadata {
  readonly name: string;
  readonly meta: EntityMetadata;
  readonly property: string;
  readonly column: string;
  readonly columnType: string;
  /** Where the row keeps who has deleted it. */
  readonly deletedBy?: DeletedByProperty | undefined;
  /** Milliseconds, `'forever'`, or `undefined` for the module's default. */
  readonly retention: number | 'forever' | undefined;
  readonly relations: Readonly<Record<string, RelationPolicy>>;
  readonly purgeIndex: boolean;
  readonly guard: boolean;
}

/**
 * What the mark of an entity means, with everything that it leaves open filled in.
 *
 * @throws SoftDeleteConfigError if the entity is marked in a way that cannot work
 * @internal
 */
export function describeSoftDeletable(meta: EntityMetadata, mark: SoftDeletableOptions): SoftDeletableEntityMetadata {
  const where = `@SoftDeletable() on ${meta.className}`;
  const property: string = mark.property ?? DEFAULT_PROPERTY;
  const prop = meta.properties[property];
  if (!prop || prop.kind !== ReferenceKind.SCALAR || prop.persist === false || prop.fieldNames?.length !== 1) {
    throw new SoftDeleteConfigError(
      where,
      `it has no column property "${property}".`,
      `Extend SoftDeletableEntity, declare \`@Property({ type: 'timestamptz', nullable: true }) ${property}?: Date\`, or name the property with { property: '…' }.`,
    );
  }
  if (!prop.nullable) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is not nullable, but active rows have no time of deletion.`,
      'Declare it with `nullable: true`.',
    );
  }
  const columnType = prop.columnTypes[0] ?? '';
  const ownType = ownTypeOf(prop);
  if (!/^timestamp(tz)? *(\(\d\))?( with(out)? time zone)?$/i.test(columnType)) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is a column of type ${columnType}${ownType ? `, given by the custom type ${ownType}` : ''}, not a timestamp.`,
      timestampAdvice(prop, columnType),
    );
  }
  if (prop.customType?.convertToJSValueSQL) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" has the custom type ${ownType}, which reads it through SQL, so no index over active rows can be created.`,
      'Convert in `convertToJSValue()` only.',
    );
  }
  if (prop.ref) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is wrapped in a reference, which is never null.`,
      'Remove `ref: true`.',
    );
  }
  if (/^timestamp[a-z]* *\([0-5]\)/i.test(columnType)) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is a column of type ${columnType}, too coarse to tell one deletion from the next.`,
      'Declare it without a `length`: the microseconds identify a unit.',
    );
  }
  if (prop.lazy) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is lazy, so a loaded entity would not know whether it is deleted.`,
      'Remove `lazy: true`.',
    );
  }
  if (mark.guard && meta.partitionBy) {
    throw new SoftDeleteConfigError(
      `${where}, guard`,
      `the table of ${meta.className} is partitioned. PostgreSQL moves a row to another partition by a delete and an insert, which the guard would refuse.`,
      'Leave out `guard`.',
    );
  }
  return {
    name: meta.className,
    meta,
    property,
    column: prop.fieldNames[0]!,
    columnType,
    deletedBy: describeDeletedBy(meta, where, property, mark.deletedBy),
    retention: mark.retention === undefined ? undefined : parseRetention(`${where}, retention`, mark.retention),
    relations: describeRelations(meta, where, mark.relations ?? {}),
    purgeIndex: mark.purgeIndex ?? true,
    guard: mark.guard ?? false,
  };
}

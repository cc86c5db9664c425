import { type EntityMetadata, type EntityProperty, ReferenceKind, Utils } from '@mikro-orm/core';
import type { Platform } from '@mikro-orm/core';
import { showValue } from '../../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { owningTable } from '../../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { columnsOf, findProperty, type FoundProperty } from './find-properties.js';
import type { PersonalField } from './personal-data-entity.js';
import type { PersonalFields } from './personal-data-options.js';
import { isColumn } from './text-columns.js';
import { valueOf } from './value-of.js';

/** What the fields of a declaration are checked with. @internal */
export interface FieldContext {
  readonly catalog: SoftDeleteCatalog;
  readonly platform: Platform;
  /** The declaring class and those below it. */
  readonly classes: readonly EntityMetadata[];
}

/**
 * The columns that a list of fields overwrites.
 *
 * @throws SoftDeleteConfigError if a property is unknown or not to be written, or its replacement does not fit
 * @internal
 */
export function describeFields(where: string, fields: PersonalFields, context: FieldContext): PersonalField[] {
  const described = Object.entries(fields as Record<string, unknown>).flatMap(([name, value]) =>
    describeField(where, name, findProperty(`${where}.${name}`, context.classes, name), value, context),
  );
  const constants = described.filter(({ value }) => value.kind === 'constant');
  for (const meta of context.classes) {
    for (const names of uniquesOf(meta)) {
      const clashing = constants.filter((field) => names.includes(field.name));
      if (names.length > 0 && clashing.length === names.length) {
        throw new SoftDeleteConfigError(
          `${where}.${clashing[0]!.name}`,
          `every erased row would have the same ${names.join(' and ')}, which ${names.length === 1 ? 'is' : 'are'} unique.`,
          'Write erased.email() or erased.digest(), which give each row a distinct value, or null.',
        );
      }
    }
  }
  return described;
}

/** @param path - the property below `all`: `email`, or `address.street` */
function describeField(
  all: string,
  path: string,
  found: FoundProperty,
  value: unknown,
  context: FieldContext,
): PersonalField[] {
  const { meta, prop } = found;
  const where = `${all}.${path}`;
  if (prop.kind === ReferenceKind.EMBEDDED && !prop.object && !prop.array) {
    return describeEmbedded(all, path, found, value, context);
  }
  const isReference = prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
  requireWritable(where, found, isReference, context.catalog);
  if (isReference && value !== null) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(value)} is not a value for a relation.`,
      'Write null, or leave it out.',
    );
  }
  const table = owningTable(meta, prop);
  return prop.fieldNames.map((column, i) => ({
    name: prop.name,
    table,
    column,
    type: prop.columnTypes[i]!,
    isUnique: uniquesOf(meta).some((names) => names.length === 1 && names[0] === prop.name),
    value: valueOf(where, prop, value, context.platform),
    ...conversionsOf(prop, context.platform),
  }));
}

/** A type may keep its values encrypted, or in another form. */
function conversionsOf(
  { customType, hasConvertToDatabaseValueSQL: writes, hasConvertToJSValueSQL: reads }: EntityProperty,
  platform: Platform,
): Pick<PersonalField, 'writtenBy' | 'readBy'> {
  return {
    ...(writes ? { writtenBy: (value) => customType!.convertToDatabaseValueSQL!(value, platform) } : {}),
    ...(reads ? { readBy: (column) => customType!.convertToJSValueSQL!(column, platform) } : {}),
  };
}

/** `null` clears all of its columns; an object names those that get another value. */
function describeEmbedded(
  all: string,
  path: string,
  found: FoundProperty,
  value: unknown,
  context: FieldContext,
): PersonalField[] {
  const where = `${all}.${path}`;
  if (value === null) {
    return columnsOf(found).flatMap((each) => describeField(all, `${path}.${each.prop.name}`, each, null, context));
  }
  if (!Utils.isPlainObject(value)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(value)} cannot take the place of an embeddable.`,
      'Write null, or an object with a replacement for each of its properties.',
    );
  }
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => {
    const inside = `${path}.${name}`;
    return describeField(all, inside, findProperty(where, context.classes, inside), inner, context);
  });
}

function requireWritable(
  where: string,
  { meta, prop }: FoundProperty,
  isReference: boolean,
  catalog: SoftDeleteCatalog,
) {
  const refuse = (problem: string, advice = 'Leave it out.') => {
    throw new SoftDeleteConfigError(where, problem, advice);
  };
  if (prop.primary) {
    refuse(
      'it is part of the primary key, which other rows and records refer to.',
      "Use erase: 'row' where the key itself is personal.",
    );
  }
  if (!isReference && !isColumn(meta, prop)) {
    refuse(`${meta.className}.${prop.name} has no column of its own.`);
  }
  if (prop.generated) {
    refuse('the database makes its value out of others.', 'Replace those instead.');
  }
  const entry = catalog.find(meta);
  if (
    [entry?.property, entry?.deletedBy?.property, meta.versionProperty, meta.root.discriminatorColumn].includes(
      prop.name,
    )
  ) {
    refuse('it is written by the ORM or by soft deletion, not by an erasure.');
  }
}

/** The properties of each unique key. */
function uniquesOf(meta: EntityMetadata): string[][] {
  const own = meta.props.filter(({ unique }) => unique).map(({ name }) => [name]);
  const several = meta.uniques.map(({ properties }) => [properties ?? []].flat().map(String));
  return [...own, ...several].map((names) =>
    names.map((name) => {
      const [first, ...rest] = name.split('.') as [string, ...string[]];
      let prop = meta.properties[first as never] as EntityProperty | undefined;
      for (const part of rest) {
        prop = prop?.embeddedProps?.[part];
      }
      return prop?.name ?? name;
    }),
  );
}

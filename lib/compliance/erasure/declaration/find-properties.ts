import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { closestName } from '../../../options/closest-name.js';
import { isColumn } from './text-columns.js';

/** A property with the class that has it: the declaring one, or one below it in the hierarchy. @internal */
export interface FoundProperty {
  readonly meta: EntityMetadata;
  readonly prop: EntityProperty;
}

/**
 * The property that a name of a declaration means: `'email'`, or `'address.street'` for one of an embeddable.
 *
 * @param classes - the declaring class and those below it
 * @throws SoftDeleteConfigError if there is none
 * @internal
 */
export function findProperty(where: string, classes: readonly EntityMetadata[], name: string): FoundProperty {
  const [first, ...rest] = name.split('.') as [string, ...string[]];
  const meta = classes.find(({ properties }) => Object.hasOwn(properties, first));
  if (!meta) {
    throw unknown(where, classes[0]!.className, first, [
      ...new Set(classes.flatMap(({ properties }) => Object.keys(properties))),
    ]);
  }
  let prop = meta.properties[first as never] as EntityProperty;
  for (const part of rest) {
    if (prop.kind === ReferenceKind.EMBEDDED && (prop.object || prop.array)) {
      throw new SoftDeleteConfigError(
        where,
        `${first} is stored as one json document, whose parts cannot be replaced.`,
        `Name ${first} as a whole.`,
      );
    }
    const inner = prop.kind === ReferenceKind.EMBEDDED ? prop.embeddedProps : {};
    if (!Object.hasOwn(inner, part)) {
      throw unknown(where, `${classes[0]!.className}.${prop.name}`, part, Object.keys(inner));
    }
    prop = meta.properties[inner[part]!.name as never] as EntityProperty;
  }
  return { meta, prop };
}

/** The properties with columns that a property stands for: itself, or those of an embeddable that is stored in columns. @internal */
export function columnsOf({ meta, prop }: FoundProperty): FoundProperty[] {
  if (prop.kind === ReferenceKind.EMBEDDED && !prop.object && !prop.array) {
    return Object.values(prop.embeddedProps).flatMap(({ name }) =>
      columnsOf({ meta, prop: meta.properties[name as never] as EntityProperty }),
    );
  }
  return isColumn(meta, prop) ? [{ meta, prop }] : [];
}

function unknown(where: string, holder: string, name: string, names: readonly string[]): SoftDeleteConfigError {
  const meant = closestName(name, names);
  return new SoftDeleteConfigError(
    where,
    `${holder} has no property "${name}".`,
    meant ? `Did you mean "${meant}"?` : `It has: ${names.join(', ') || 'none'}.`,
  );
}

import { type EntityMetadata, ReferenceKind } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

/** The property in which a row keeps who has deleted it. @internal */
export interface DeletedByProperty {
  readonly property: string;
  readonly column: string;
}

/**
 * The property that `deletedBy` names.
 *
 * @param timestamp - the property that holds the time of deletion
 * @throws SoftDeleteConfigError if it cannot hold the actor
 * @internal
 */
export function describeDeletedBy(
  meta: EntityMetadata,
  where: string,
  timestamp: string,
  name: string | undefined,
): DeletedByProperty | undefined {
  if (name === undefined) {
    return undefined;
  }
  const refuse = (problem: string, advice: string) => {
    throw new SoftDeleteConfigError(`${where}, deletedBy`, problem, advice);
  };
  const prop = meta.properties[name as never] as EntityMetadata['props'][number] | undefined;
  const declaration = `\`@Property({ type: 'text', nullable: true }) ${name}?: string\``;
  const isColumn = prop?.kind === ReferenceKind.SCALAR && prop.persist !== false && prop.fieldNames?.length === 1;
  if (!prop || !isColumn || name === timestamp) {
    return refuse(`it has no column property "${name}" for the actor.`, `Declare ${declaration}, or leave it out.`);
  }
  if (!prop.nullable) {
    return refuse(
      `the property "${name}" is not nullable, but nobody has deleted an active row.`,
      'Declare it with `nullable: true`.',
    );
  }
  const type = prop.columnTypes[0] ?? '';
  if (prop.runtimeType !== 'string' || !/^(text|citext|(var)?char|character)/i.test(type) || prop.generated) {
    return refuse(
      `the property "${name}" is a column of type ${type}, but the actor is text.`,
      `Declare ${declaration}.`,
    );
  }
  return { property: name, column: prop.fieldNames[0]! };
}

import { SoftDeleteError } from './soft-delete.error.js';

/**
 * An entity, or columns of one, of which nobody has said what an erasure is to do with them.
 *
 * @publicApi
 */
export interface UndeclaredPersonalData {
  readonly entity: string;
  /** The properties that are neither listed nor `notPersonal`; empty where the whole entity is undeclared. */
  readonly properties: readonly string[];
}

/**
 * A person's data was to be erased, and the declarations do not say of everything what is to become of it. Nothing was changed.
 *
 * @publicApi
 */
export class ErasureUndeclaredError extends SoftDeleteError {
  readonly code = 'ERASURE_UNDECLARED';

  constructor(
    /** The entity whose row was to be erased. */
    readonly entity: string,
    readonly undeclared: readonly UndeclaredPersonalData[],
  ) {
    super(
      `${entity} was not erased: ${undeclared.map(describe).join('; ')}. ` +
        undeclared
          .slice(0, 1)
          .map((first) => advise(entity, first))
          .join(''),
    );
  }
}

function describe({ entity, properties }: UndeclaredPersonalData): string {
  return properties.length === 0
    ? `${entity} has no @PersonalData() that leads to it`
    : `${entity} does not declare whether ${properties.join(', ')} ${properties.length === 1 ? 'is' : 'are'} personal`;
}

function advise(subject: string, { entity, properties }: UndeclaredPersonalData): string {
  if (properties.length > 0) {
    return `List ${properties.length === 1 ? 'it' : 'them'} in the \`fields\` or in \`notPersonal\` of @PersonalData() on ${entity}.`;
  }
  return entity === subject
    ? `Mark it with @PersonalData({ subject: true, fields: { … } }).`
    : `Mark it with @PersonalData({ of: '…', fields: { … } }), or with @NoPersonalData().`;
}

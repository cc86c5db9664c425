import { SoftDeleteError } from './soft-delete.error.js';

/**
 * An operation was asked of an entity that is not marked with `@SoftDeletable()`, or that the ORM does not know.
 *
 * @publicApi
 */
export class NotSoftDeletableError extends SoftDeleteError {
  readonly code = 'NOT_SOFT_DELETABLE';

  constructor(
    readonly entity: string,
    known: boolean,
  ) {
    super(
      known
        ? `${entity} is not soft-deletable. Mark the class with @SoftDeletable() (or call softDeletable(schema)), or use the ordinary EntityRepository for it.`
        : `${entity} is not an entity of this ORM. Add it to the \`entities\` of its MikroORM configuration, or pass the \`contextName\` of the ORM that has it.`,
    );
  }
}

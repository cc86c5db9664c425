import { SoftDeleteError } from './soft-delete.error.js';

/**
 * Archived rows were asked for in a way that only rows of a table can be read: together with active ones, or through relations.
 *
 * @publicApi
 */
export class ArchivedScopeError extends SoftDeleteError {
  readonly code = 'ARCHIVED_SCOPE';

  constructor(
    readonly entity: string,
    way: string,
  ) {
    super(
      `${way} cannot read deleted rows of ${entity}, which are in deletion_archive and not in their table. ` +
        `Read them with onlyDeleted().find(), findOne() or count(), or restore them first.`,
    );
  }
}

import { SoftDeleteError } from './soft-delete.error.js';

/**
 * The foreign keys or unique indexes of the database kept changing while rows were about to be removed or restored.
 *
 * @publicApi
 */
export class CatalogChangedError extends SoftDeleteError {
  readonly code = 'CATALOG_CHANGED';

  constructor() {
    super(
      'The foreign keys or unique indexes of the database changed each time they were read, so conflicts cannot be determined. Nothing was changed. Try again when the migration is over.',
    );
  }
}

import { SoftDeleteError } from './soft-delete.error.js';

/**
 * Soft deletion was asked of an ORM on which it is not installed.
 *
 * @publicApi
 */
export class SoftDeleteNotInstalledError extends SoftDeleteError {
  readonly code = 'SOFT_DELETE_NOT_INSTALLED';

  constructor(contextName: string) {
    super(
      `Soft deletion is not installed on the MikroORM instance "${contextName}". Import SoftDeleteModule.forRoot() in the root module, or call installSoftDelete(orm) in a script.`,
    );
  }
}

import { SoftDeleteError } from '../errors/soft-delete.error.js';

/**
 * The command line cannot be carried out.
 *
 * @internal
 */
export class CliError extends SoftDeleteError {
  readonly code = 'CLI';

  constructor(message: string) {
    super(message);
  }
}

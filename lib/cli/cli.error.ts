import { SoftDeleteError } from '../errors/soft-delete.error.js';

/**
 * The command line cannot be carried out.
 *
 * @internal
 */
export class CliError extends SoftDeleteError {
  readonly code = 'CLI';

  // oxlint-disable-next-line no-useless-constructor -- that of the base is protected
  constructor(message: string) {
    super(message);
  }
}

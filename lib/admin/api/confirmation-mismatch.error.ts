import { SoftDeleteError } from '../../errors/soft-delete.error.js';

/** Something would remove another number of rows than its caller has confirmed. Nothing was removed. @internal */
export class ConfirmationMismatchError extends SoftDeleteError {
  readonly code = 'CONFIRMATION_MISMATCH';

  constructor(
    readonly confirmed: string,
    readonly total: number,
  ) {
    super(
      `${total} rows would be removed for good, not ${confirmed}. Look at the preview again and confirm its total.`,
    );
  }
}

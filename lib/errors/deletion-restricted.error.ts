import { AdvisedRestriction, type DeletionRestriction } from './deletion-restriction.js';
import { showCount } from './text/show-count.js';
import { SoftDeleteError } from './soft-delete.error.js';

/**
 * Rows that must not be left behind still belong to what was to be deleted. Nothing was changed.
 *
 * @publicApi
 */
export class DeletionRestrictedError extends SoftDeleteError {
  readonly code = 'DELETION_RESTRICTED';

  constructor(
    readonly entity: string,
    readonly restrictions: readonly DeletionRestriction[],
    advice = AdvisedRestriction.adviceOn(restrictions) ??
      `Delete or move ${restrictions.length === 1 ? 'them' : 'these'} first, or declare the relation as 'cascade' or 'keep'.`,
  ) {
    super(
      `${entity} was not deleted: ${restrictions
        .map(
          ({ relation, entity: related, count }) =>
            `${showCount(count, `${related} row`)} ${count === 1 ? 'prevents' : 'prevent'} it (${relation})`,
        )
        .join(', ')}. ${advice}`,
    );
  }
}

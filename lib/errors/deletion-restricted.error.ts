import { showCount } from './text/show-count.js';
import { SoftDeleteError } from './soft-delete.error.js';

/** One reason why a row cannot be deleted. */
export interface DeletionRestriction {
  /** The relation that restricts, as `Entity.property`. */
  readonly relation: string;
  /** The related entity. */
  readonly entity: string;
  /** How many of its rows prevent it. */
  readonly count: number;
}

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
    advice = `Delete or move ${restrictions.length === 1 ? 'them' : 'these'} first, or declare the relation as 'cascade' or 'keep'.`,
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

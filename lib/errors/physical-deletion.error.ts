import { SoftDeleteError } from './soft-delete.error.js';

/**
 * A physical `DELETE` of soft-deletable rows was about to leave the ORM by a way that cannot delete them softly. It was not sent.
 *
 * @publicApi
 */
export class PhysicalDeletionError extends SoftDeleteError {
  readonly code = 'PHYSICAL_DELETION';

  constructor(
    readonly entity: string,
    way: string,
  ) {
    super(
      `${way} would have removed rows of ${entity} physically, but ${entity} is soft-deletable. Nothing was removed. ` +
        `Soft-delete them with softDelete() or nativeDelete() of its repository, or with em.nativeDelete(); remove them for good with hardDelete(), or in SQL with em.execute().`,
    );
  }
}

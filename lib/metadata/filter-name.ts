/**
 * The name of the one global filter, for `{ filters: { softDelete: false } }` in the ORM's own find options.
 *
 * @publicApi
 */
export const SOFT_DELETE_FILTER = 'softDelete';

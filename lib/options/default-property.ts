/** The property that holds the time of deletion unless an entity names another. */
export const DEFAULT_PROPERTY = 'deletedAt';

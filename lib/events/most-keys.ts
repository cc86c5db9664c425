/** Up to how many rows of an entity an event names. @internal */
export const MOST_KEYS = 1_000;

/** Up to how many rows of an entity an event names, and an operation that is told. @internal */
export const MOST_KEYS = 1_000;

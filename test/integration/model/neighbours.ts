/** What lives beside the package in an application, and in every sequence of the model. */
const ALL_NEIGHBOURS = [
  /** A second ORM over the same classes and another database, in which the sequence works too, and a third one without soft deletion. */
  'orms',
  /** `forceUndefined: true`. */
  'force-undefined',
  /** A default filter with a parameter, and rows that it hides. */
  'tenants',
  /** Relations with conditions beside others over the same key. */
  'filtered-relations',
  /** Properties of types that memory and database hold in different forms. */
  'types',
  /** Keys of a custom type. */
  'custom-keys',
  /** A subscriber that comes after the package's and removes in `beforeFlush` or `onFlush`. */
  'late-subscriber',
  /** Operations in parallel in one transaction. */
  'parallel',
  /** Rows that are not soft-deletable, whose removal would take soft-deletable rows along in the database. */
  'plain-parents',
  /** Unsaved creations and changes of what a removal in the same flush reaches. */
  'unsaved',
] as const;

export type Neighbour = (typeof ALL_NEIGHBOURS)[number];

const named = process.env['MODEL_NEIGHBOURS'];

/**
 * All of them, or those that `MODEL_NEIGHBOURS` names: `MODEL_NEIGHBOURS=tenants,types`, or `MODEL_NEIGHBOURS=none`. A failure that needs
 * a neighbour is found by leaving it out.
 */
const present = new Set<string>(named?.split(',') ?? ALL_NEIGHBOURS);
for (const name of present) {
  if (name !== 'none' && !ALL_NEIGHBOURS.includes(name as Neighbour)) {
    throw new Error(`MODEL_NEIGHBOURS: there is no "${name}", only ${ALL_NEIGHBOURS.join(', ')}`);
  }
}

export const lives = (neighbour: Neighbour): boolean => present.has(neighbour);

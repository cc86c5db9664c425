/** What lives beside the package in an application, and in every sequence of the model. */
const ALL_NEIGHBOURS = [
  /** A second ORM over the same classes and another database, in which the sequence works too, and a third one without soft deletion. */
  'orms',
  /** `forceUndefined: true`. */
  'force-undefined',
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

import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { PurgeOrder } from './purge-planner.js';

/**
 * A part of the purge that can run by itself.
 *
 * @publicApi
 */
export interface PurgeJob {
  /** What a queue knows it by: `soft-delete.purge.` and the first of its entities in alphabetical order. */
  readonly name: string;
  /** The names of the entities that it purges, in alphabetical order. */
  readonly entities: readonly string[];
}

/**
 * Groups of entities that foreign keys or relations of the ORM connect, in the order of their names. Rows of one group can block each
 * other; no row of another group can.
 *
 * @param contextName - of the ORM: jobs of several ORMs may go into one queue
 * @internal
 */
export function listJobs(catalog: SoftDeleteCatalog, { groups }: PurgeOrder, contextName: string): PurgeJob[] {
  const marked = catalog.allMarked();
  const connected = new Map(marked.map(({ name }) => [name, new Set([name])]));
  const connect = (one: string, other: string): void => {
    const [kept, added] = [connected.get(one)!, connected.get(other)!];
    if (kept !== added) {
      added.forEach((name) => connected.set(name, kept.add(name)));
    }
  };
  for (const { parent, child } of catalog.graph.edges) {
    const [one, other] = [catalog.findMarked(parent), catalog.findMarked(child)];
    if (one && other) {
      connect(one.name, other.name);
    }
  }
  // Through rows that are not soft-deletable, and by keys that the ORM does not know.
  for (const { entity, blockers } of groups.flat()) {
    blockers.forEach(({ source }) => source && connect(entity.name, source.name));
  }
  const prefix = ['soft-delete', 'purge', ...(contextName === 'default' ? [] : [contextName])].join('.');
  return [...new Set(connected.values())]
    .map((names) => [...names].toSorted())
    .map((entities) => ({ name: `${prefix}.${entities[0]!}`, entities }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type DueTimes, readDueTimes } from './due-times.js';
import { type PlannedEntities, planPurge, type PurgeOrder } from './purge-planner.js';
import type { PurgePlace } from './list-places.js';
import type { UnreachableEntity } from './key-graph.js';
import { readKeyGraph } from './read-key-graph.js';

/** What there is to purge, and in which order. @internal */
export interface PreparedPurge {
  readonly order: PurgeOrder;
  readonly unreachable: readonly UnreachableEntity[];
}

/**
 * Reads the catalog, in four short statements.
 *
 * @internal
 */
export async function preparePurge(
  { em, entities, schema }: PurgePlace,
  connection: PurgeConnection,
): Promise<PreparedPurge> {
  // In its own schema, an entity manager looks for entities without a schema there as well.
  const graph = await readKeyGraph(em, connection, schema === undefined ? undefined : entities);
  return { order: planPurge(graph), unreachable: graph.unreachable ?? [] };
}

/** Those of its entities that a place is asked for. @internal */
export function entitiesAt({ entities }: PurgePlace, { order, unreachable }: PreparedPurge): PlannedEntities {
  const isThere = ({ name }: { readonly name: string }) => !entities || entities.includes(name);
  return {
    plans: order.groups.flat().filter(({ entity }) => isThere(entity)),
    unreachable: unreachable.filter(({ entry }) => isThere(entry)),
  };
}

/**
 * One cut-off for each entity, all from one reading of the clock.
 *
 * @param byDefault - the retention of entities that name none
 * @param olderThan - what a run asks for, where it is stricter than the retentions
 * @internal
 */
export function readAllDueTimes(
  em: EntityManager,
  connection: PurgeConnection,
  byDefault: number | 'forever',
  olderThan?: number,
): Promise<DueTimes> {
  const catalog = SoftDeleteCatalog.of(em);
  return readDueTimes(connection, catalog.allMarked(), byDefault, olderThan);
}

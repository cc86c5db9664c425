import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog, type SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type DueTimes, readDueTimes } from './due-times.js';
import { planPurge, type PurgeOrder } from './purge-planner.js';
import { readKeyGraph } from './read-key-graph.js';

/** What there is to purge, in which order, and what is due. @internal */
export interface PreparedPurge {
  readonly order: PurgeOrder;
  readonly times: DueTimes;
  /** Entities that live in the schema of the entity manager, which has none. */
  readonly homeless: readonly SoftDeletableEntityMetadata[];
}

/**
 * Reads the catalog and the clock, in five short statements.
 *
 * @param byDefault - the retention of entities that name none
 * @param olderThan - what a run asks for, where it is stricter than the retentions
 * @internal
 */
export async function preparePurge(
  em: EntityManager,
  connection: PurgeConnection,
  byDefault: number | 'forever',
  olderThan?: number,
): Promise<PreparedPurge> {
  const graph = await readKeyGraph(em, connection);
  const { entities, homeless = [] } = graph;
  const all = [...entities, ...homeless, ...SoftDeleteCatalog.of(em).allArchived()];
  const times = await readDueTimes(connection, all, byDefault, olderThan);
  return { order: planPurge(graph), times, homeless };
}

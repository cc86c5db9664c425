import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type Cutoff, retentionOf } from '../plan/due-times.js';
import type { PurgePlannedEntity } from '../plan/purge-plan.js';
import { readArchiveStatus } from '../statements/read-archive-status.js';
import type { StatusRow } from '../statements/read-status.js';
import { countedStatus, statusOf } from './entity-status.js';
import type { PurgeEntityStatus } from './purge-status.js';

/** Counts what there is to purge of archived entities. @internal */
export async function readArchivedStatus(
  em: EntityManager,
  connection: PurgeConnection,
  entities: readonly ArchivedEntityMetadata[],
  cutoffs: ReadonlyMap<string, Cutoff>,
  byDefault: number | 'forever',
): Promise<PurgeEntityStatus[]> {
  const statuses: PurgeEntityStatus[] = [];
  for (const entity of entities) {
    const { name } = entity;
    const cutoff = cutoffs.get(name);
    const [row] = await connection.read<StatusRow>(
      readArchiveStatus(archiveTable(em), name, cutoff?.text, connection.quote),
    );
    statuses.push({ ...statusOf(entity, archiveLabel(em), cutoff, byDefault), ...countedStatus(row!, cutoff) });
  }
  return statuses;
}

/** How archived entities are purged: nothing points at their rows, and what was removed along goes with them. @internal */
export function planArchived(
  em: EntityManager,
  entities: readonly ArchivedEntityMetadata[],
  cutoffs: ReadonlyMap<string, Cutoff>,
  byDefault: number | 'forever',
): PurgePlannedEntity[] {
  return entities.map((entity) => ({
    entity: entity.name,
    table: archiveLabel(em),
    retention: retentionOf(entity, byDefault),
    cutoff: cutoffs.get(entity.name)?.date,
    blockedBy: [],
    removes: [],
    advice: [],
  }));
}

/** The name of the archive as reports have it. @internal */
export function archiveLabel(em: EntityManager): string {
  return archiveTable(em).replaceAll('"', '');
}

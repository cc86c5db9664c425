import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type Cutoff, retentionOf } from '../plan/due-times.js';
import type { PurgePlannedEntity } from '../plan/purge-plan.js';
import { type ArchiveStatusRow, readArchiveStatus } from '../statements/read-archive-status.js';
import { milliseconds } from './milliseconds.js';
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
    const [row] = await connection.read<ArchiveStatusRow>(
      readArchiveStatus(archiveTable(em), name, cutoff?.text, connection.quote),
    );
    const oldestDue = row!.oldestDue === null ? undefined : new Date(milliseconds(row!.oldestDue));
    statuses.push({
      entity: name,
      table: archiveLabel(em),
      retention: retentionOf(entity, byDefault),
      cutoff: cutoff?.date,
      deleted: Number(row!.deleted),
      due: Number(row!.due),
      blocked: 0,
      oldestDue,
      overdueBy: cutoff && oldestDue ? Math.max(0, cutoff.date.getTime() - oldestDue.getTime()) : 0,
    });
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

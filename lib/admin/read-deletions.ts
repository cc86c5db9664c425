import type { EntityManager } from '@mikro-orm/postgresql';
import { tableName } from '../sql/table-name.js';
import type { EntityMetadata } from '@mikro-orm/core';
import type { AdminEntity } from './admin-entity.js';
import { microsecondsSql } from './list-rows.js';

/** Who deleted rows, and why. @internal */
export interface RecordedDeletion {
  readonly actor: string | null;
  readonly reason: string | null;
}

/**
 * Who deleted rows and why, by their times of deletion as lists show them: all rows of one deletion share its time and no other has it.
 *
 * @param records - the entity of the records
 * @internal
 */
export async function readDeletions(
  em: EntityManager,
  records: EntityMetadata,
  { entry }: AdminEntity,
  times: readonly string[],
): Promise<ReadonlyMap<string, RecordedDeletion>> {
  // Somebody else may have written an infinite one.
  const units = [...new Set(times)].filter((time) => time.endsWith('Z'));
  if (units.length === 0) {
    return new Map();
  }
  const rows = await em.execute<(RecordedDeletion & { at: string })[]>(
    `select ${microsecondsSql('r."unit"', 'timestamptz')} as at, r."actor" as actor, r."reason" as reason ` +
      `from ${tableName(em, records)} as r ` +
      `where r."entity" = ? and r."action" = 'deleted' and r."unit" = any(cast(? as timestamptz[]))`,
    [entry.name, `{${units.join(',')}}`],
  );
  return new Map(rows.map(({ at, ...deletion }) => [at, deletion]));
}

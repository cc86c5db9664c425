import type { EntityManager } from '@mikro-orm/postgresql';
import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../archive/removal/allowed-removal.js';
import { archiveTable } from '../archive/snapshot/archive-table.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { requireType } from '../options/require-type.js';

/**
 * Moves deletions into the past and returns the number of rows. Use it to test what happens after a retention.
 *
 * All rows of a unit move by the same time, so it stays a unit. Archived rows move as well. Runs one UPDATE per soft-deletable entity and
 * one statement for the archive. Entities in memory keep the time that they were loaded with.
 *
 * ```ts
 * const { deletedAt } = await users.softDelete(1);
 * await backdateDeletions(em, '31d', deletedAt);
 * await purge.run();
 * ```
 *
 * @param deletedAt - the unit to move, as `softDelete()` returned it; all deleted rows if left out
 * @throws SoftDeleteConfigError if `by` is not a duration, or `deletedAt` is not a date
 * @publicApi
 */
export async function backdateDeletions(em: EntityManager, by: Duration, deletedAt?: Date): Promise<number> {
  const milliseconds = parseDuration('backdateDeletions(by)', by);
  requireType('backdateDeletions(deletedAt)', deletedAt, 'Date');
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return em.transactional(async (em) => {
    let moved = 0;
    for (const { meta, column } of SoftDeleteCatalog.of(em).all()) {
      const rows = await em.execute<unknown[]>(
        `update ${tableName(em, meta)} set ${quote(column)} = ${quote(column)} - ? * interval '1 millisecond' ` +
          // A Date has lost the microseconds.
          `where ${deletedAt ? `date_trunc('milliseconds', ${quote(column)}) = ?` : `${quote(column)} is not null`} returning 1`,
        deletedAt ? [milliseconds, deletedAt] : [milliseconds],
      );
      moved += rows.length;
    }
    return moved + (await backdateSnapshots(em, milliseconds, deletedAt));
  });
}

const COLUMNS = ['part', 'key', 'unit', 'entity', 'schema', 'owners', 'data', 'types', 'links', 'actor', 'reason'];

/** Replaces archived rows: a trigger refuses to change them. */
async function backdateSnapshots(
  em: EntityManager,
  milliseconds: number,
  deletedAt: Date | undefined,
): Promise<number> {
  if (SoftDeleteCatalog.of(em).allArchived().length === 0) {
    return 0;
  }
  const archive = archiveTable(em);
  const columns = COLUMNS.map((column) => `"${column}"`).join(', ');
  const values = COLUMNS.map((column) =>
    column === 'unit' ? `g."unit" - ? * interval '1 millisecond'` : `g."${column}"`,
  );
  const isMeant = deletedAt ? `date_trunc('milliseconds', a."unit") = ?` : 'true';
  const [row] = await em.execute<{ moved: number }[]>(
    `with ${ALLOW_REMOVAL}, gone as (delete from ${archive} as a where ${IS_ALLOWED} and ${isMeant} returning a.*), ` +
      `back as (insert into ${archive} (${columns}) select ${values.join(', ')} from gone as g order by g."unit" returning 1) ` +
      `select (select count(*)::int from back) as moved, ${endRemovalSql(['gone'])} as ended`,
    [...(deletedAt ? [deletedAt] : []), milliseconds],
  );
  return row!.moved;
}

import type { TestDatabase } from './database.js';

const ALLOW = `select set_config('soft_delete.archive_removal', 'allowed', true)`;

/** Moves archived rows into the past, as if they had been deleted so many days earlier. */
export async function ageArchive(database: TestDatabase, days: number): Promise<void> {
  await rewriteArchive(database, `unit - interval '${days} days' as unit`);
}

/**
 * Writes all archived rows anew, since their triggers let nobody change them.
 *
 * @param changes - the columns that change, each with its name
 */
export async function rewriteArchive(database: TestDatabase, ...changes: string[]): Promise<void> {
  const columns = ['part', 'key', 'unit', 'entity', 'schema', 'owners', 'data', 'types', 'links', 'actor', 'reason'];
  const values = columns.map((column) => changes.find((change) => change.endsWith(` as ${column}`)) ?? column);
  await database.query(`begin; ${ALLOW};
    create temporary table former on commit drop as select ${values.join(', ')} from deletion_archive;
    delete from deletion_archive;
    insert into deletion_archive (${columns.join(', ')}) select ${columns.join(', ')} from former;
    commit`);
}

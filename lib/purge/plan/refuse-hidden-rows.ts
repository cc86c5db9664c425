import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { KeyReference, PurgeTable } from './key-graph.js';

/**
 * A row that cannot be seen may need one that is due.
 *
 * @param isFiltered - whether row-level security applies to a table
 * @throws SoftDeleteConfigError if it does to a table, or to one from which keys lead there
 * @internal
 */
export function refuseHiddenRows(
  tables: readonly PurgeTable[],
  references: readonly KeyReference[],
  isFiltered: (table: PurgeTable) => boolean,
): void {
  const reached = new Set(tables);
  for (const table of reached) {
    if (isFiltered(table)) {
      throw new SoftDeleteConfigError(
        `The table ${table.label}`,
        'row-level security may hide rows of it from this database user.',
        'Purge as a user with BYPASSRLS: a hidden row may need one that is due.',
      );
    }
    references.filter(({ to }) => to === table).forEach(({ from }) => reached.add(from));
  }
}

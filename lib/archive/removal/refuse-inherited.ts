import type { EntityMetadata } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { TableColumn } from '../../postgres/table-shape.js';

/**
 * Refuses to archive rows of tables that others inherit: a DELETE takes their rows along, with columns that the archive would not see.
 *
 * @throws SoftDeleteConfigError
 * @internal
 */
export function refuseInherited({ root, tableName }: EntityMetadata, columns: readonly TableColumn[]): void {
  if (columns.some(({ isInherited }) => isInherited)) {
    throw new SoftDeleteConfigError(
      `@SoftDeletable() on ${root.className}, strategy`,
      `no row was archived, since other tables inherit ${tableName} (\`inherits\`), and their columns would be lost.`,
      "Use partitions or separate tables, or leave out `strategy: 'archive'`.",
    );
  }
}

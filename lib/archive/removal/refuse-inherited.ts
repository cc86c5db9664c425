import type { EntityMetadata } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { TableColumn } from '../../postgres/table-shape.js';

/**
 * Refuses to archive rows of tables that others inherit: a DELETE takes their rows along, with columns that the archive would not see. And
 * rows of views: what references the table below them, and goes along, would not be seen either.
 *
 * @throws SoftDeleteConfigError
 * @internal
 */
export function refuseInherited({ root, tableName }: EntityMetadata, columns: readonly TableColumn[]): void {
  const isInherited = columns.some((column) => column.isInherited);
  if (isInherited || columns.some(({ isElsewhere }) => isElsewhere)) {
    throw new SoftDeleteConfigError(
      `@SoftDeletable() on ${root.className}, strategy`,
      isInherited
        ? `no row was archived, since other tables inherit ${tableName} (\`inherits\`), and their columns would be lost.`
        : `no row was archived, since ${tableName} is not a table, and what references its rows would be lost.`,
      `${isInherited ? 'Use partitions or separate tables' : 'Map the entity to the table'}, or leave out \`strategy: 'archive'\`.`,
    );
  }
}

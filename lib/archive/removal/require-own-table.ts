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
export function requireOwnTable({ root, tableName }: EntityMetadata, columns: readonly TableColumn[]): void {
  const isInherited = columns.some((column) => column.isInherited);
  if (isInherited || columns.some(({ isElsewhere }) => isElsewhere)) {
    throw new SoftDeleteConfigError(
      `@SoftDeletable() on ${root.className}, strategy`,
      `no row was archived, since ${isInherited ? 'other tables inherit' : 'there is a view or a foreign table instead of'} ${tableName}, and rows would be lost.`,
      "Map the entity to a table that stands alone, or leave out `strategy: 'archive'`.",
    );
  }
}

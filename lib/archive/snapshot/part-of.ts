import type { EntityMetadata } from '@mikro-orm/core';

/**
 * The name that the rows of a table have in the archive, as `part`: that of the class whose own the table is, in a hierarchy that shares
 * one the root's.
 *
 * @internal
 */
export function partOf(table: EntityMetadata): string {
  return table.root.inheritanceType === 'tpt' ? table.className : table.root.className;
}

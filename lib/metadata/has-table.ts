import type { EntityMetadata } from '@mikro-orm/core';

/**
 * Whether an entity has rows in a table: it is no view, no query and no part of other entities. The ORM gives all of those the name of
 * a table as well. Pivot tables of many-to-many relations have rows.
 *
 * @internal
 */
export function hasTable({ embeddable, virtual, view }: EntityMetadata): boolean {
  return !embeddable && !virtual && !view;
}

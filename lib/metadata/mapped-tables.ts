import type { EntityMetadata } from '@mikro-orm/core';
import { hasTable } from './has-table.js';

/** The entities that stand for the tables of an ORM, one each; in a hierarchy with a table per type, the classes whose own they are. @internal */
export function mappedTables(metadata: Iterable<EntityMetadata>): EntityMetadata[] {
  return [...metadata].filter((meta) => hasTable(meta) && (meta.root === meta || meta.tptParent));
}

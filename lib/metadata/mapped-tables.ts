import type { EntityMetadata } from '@mikro-orm/core';
import { hasTable } from './has-table.js';

/** The entities that stand for the tables of an ORM, one each; in a hierarchy with a table per type, the classes whose own they are. @internal */
export function mappedTables(metadata: Iterable<EntityMetadata>): EntityMetadata[] {
  return [...metadata].filter((meta) => hasTable(meta) && (meta.root === meta || meta.tptParent));
}

/** The tables of an entity's rows: more than one in a table-per-type hierarchy, the root's first. @internal */
export function tablesOf(metadata: Iterable<EntityMetadata>, root: EntityMetadata): EntityMetadata[] {
  return [root, ...[...metadata].filter((meta) => meta !== root && meta.root === root && meta.tptParent)];
}

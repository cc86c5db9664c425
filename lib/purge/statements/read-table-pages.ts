import type { PurgeTable } from '../plan/key-graph.js';

/** How many pages the table has. @internal */
export function readTablePages({ id }: PurgeTable): string {
  return `select (pg_relation_size(${id}::oid) / current_setting('block_size')::int)::int as pages`;
}

import type { EntityMetadata } from '@mikro-orm/core';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import type { RowKey } from '../../sql/row-set.js';

/** A key of the archive as the texts of its columns. @internal */
export function rowKeyOf(meta: EntityMetadata, key: string): RowKey {
  return primaryColumns(meta).length === 1 ? [key] : (JSON.parse(key) as string[]);
}

import type { EntityMetadata } from '@mikro-orm/core';

/** The entities of the tables that legal holds are kept in. @internal */
export interface HoldTables {
  readonly holds: EntityMetadata;
  /** The rows that holds were placed on, by key. */
  readonly rows: EntityMetadata;
}

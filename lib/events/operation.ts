import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionContext } from './deletion-context.js';

/** A row that an operation has brought back or removed. @internal */
export interface OperationRow {
  /** Its primary key, the text of each column. */
  readonly key: readonly string[];
  /** The time it was deleted at, to the microsecond; `null` if it was active. */
  readonly unit: string | null;
}

/** What an operation has done to the rows of one entity. @internal */
export interface OperationPart {
  /** The root of the entity's hierarchy. */
  readonly meta: EntityMetadata;
  readonly count: number;
  /** The primary keys as entities have them, where the operation knows them without asking. */
  readonly keys?: readonly unknown[];
  /** The keys of rows that carry no unit's time, as `OperationRow` has them, for who asks. */
  readonly each?: () => Iterable<readonly string[]>;
  /** The rows, of those that carry no unit's time any more. Only if somebody attends. */
  readonly rows?: readonly OperationRow[];
  /** When the rows were deleted, where they go all together and are not listed. */
  readonly span?: { readonly from: string; readonly until: string };
  /** The keys of rows that went in the operation's unit, where these are too many to be listed: a query for a JSON array of such. */
  readonly keysSql?: { readonly sql: string; readonly params: readonly unknown[] };
}

/**
 * What one operation has done, as every door says it: `softDelete()`, a flush, `restore()`, `hardDelete()`, a batch of the purge.
 *
 * @internal
 */
export interface Operation extends DeletionContext {
  readonly action: 'deleted' | 'restored' | 'hard-deleted' | 'purged' | 'held' | 'released' | 'archived' | 'erased';
  /** The time that deleted rows carry; for a purge, its cut-off. */
  readonly unit?: { readonly text: string; readonly date: Date };
  /** One or more for each entity. */
  readonly parts: readonly OperationPart[];
}

/** Where an operation has happened, for further statements in its transaction. @internal */
export interface OperationPlace {
  readonly em: EntityManager;
  readonly ctx: Transaction;
}

/** Called inside of the operation's transaction. What it throws undoes the operation. @internal */
export type OperationListener = (operation: Operation, place: OperationPlace) => Promise<void>;

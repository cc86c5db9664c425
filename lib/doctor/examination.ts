import type { EntityMetadata, Platform } from '@mikro-orm/core';
import type { OrmModel, SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { DatabaseForeignKey, DatabaseTable, DatabaseView } from '../postgres/database-table.js';
import type { OtherRepository } from '../repository/other-repositories.js';
import type { ArchiveState } from './database/read-archive.js';
import type { ComplianceState } from './database/read-compliance.js';
import type { Finding } from './finding.js';

/**
 * What the doctor knows when the checks begin: the model and the database side by side. Checks read it and nothing else.
 *
 * @internal
 */
export interface Examination {
  readonly metadata: readonly EntityMetadata[];
  readonly catalog: SoftDeleteCatalog;
  /** The marked entities whose own repository does not extend the one of this package. */
  readonly otherRepositories: readonly OtherRepository[];
  readonly tables: readonly DatabaseTable[];
  readonly platform: Platform;
  /** The role of the connection. */
  readonly role: string;
  /** The retention of entities that name none: milliseconds, or `'forever'`. */
  readonly retention: number | 'forever';
  /** From how many rows on a table counts as large. */
  readonly largeTable: number;
  /** Milliseconds after which a row that is due should be gone. */
  readonly grace: number;
  /** The model with all of its entities. */
  readonly orm: OrmModel & { getPlatform(): Platform };
  readonly compliance: ComplianceState;
  /** Milliseconds since the first deletion that is not purged, by entity; only where one is. */
  readonly oldestDeletion: ReadonlyMap<SoftDeletableEntityMetadata, number>;
  /** The table of archived rows; only where an entity has some. */
  readonly archive: ArchiveState | undefined;
  tableOf(meta: EntityMetadata): DatabaseTable | undefined;
  viewOf(meta: EntityMetadata): DatabaseView | undefined;
  /** The SQL that the view should have; `undefined` if the entity is not an active view. */
  expectedView(meta: EntityMetadata): string | undefined;
  /** The entity whose table it is: the root where a hierarchy shares one. */
  entityOf(table: DatabaseTable): EntityMetadata | undefined;
  referenced(key: DatabaseForeignKey): DatabaseTable | undefined;
  quote(name: string): string;
  /** The table with its schema, quoted as far as PostgreSQL needs it. */
  label(table: DatabaseTable): string;
}

/** One kind of thing to look for. @internal */
export type Check = (examination: Examination) => Finding[];

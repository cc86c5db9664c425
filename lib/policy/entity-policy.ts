/**
 * What happens to the rows of one entity from their deletion to their end.
 *
 * @internal
 */
export interface EntityPolicy {
  readonly entity: string;
  readonly table: string;
  /** `archive`: a deletion moves the row to the archive. `physical`: it removes the row at once. */
  readonly strategy: 'soft' | 'archive' | 'physical';
  /** Why, in the words of the entity's comment; only where it is archived. */
  readonly comment?: string;
  /** The column of the time of deletion. */
  readonly column?: string;
  /** Whether the database refuses physical deletes from elsewhere. */
  readonly guarded: boolean;
  /** Milliseconds from the deletion to the purge; `undefined`: what the module says. */
  readonly retention?: number | 'forever';
  /** Rows that are deleted in the same unit. */
  readonly deletedAlong: readonly string[];
  /** Rows that refuse the deletion while one is active. */
  readonly restrictedBy: readonly string[];
  /** Rows that stay as they are. */
  readonly kept: readonly string[];
  /** Rows that are not soft-deletable and go when the row is purged. */
  readonly purgedAlong: readonly string[];
  /** Rows that lose their reference when the row is purged. */
  readonly clearedAtPurge: readonly string[];
  /** Rows that lose it when the row is archived, and get it back when it is restored. */
  readonly clearedAtOnce: readonly string[];
  /** Rows that keep it from being purged until they are gone. */
  readonly blockPurge: readonly string[];
  /** What an erasure does with the rows, of entities that declare it: one for the entity, or for each class of a hierarchy. */
  readonly personalData?: readonly PersonalDataPolicy[];
  readonly uniqueAmongActive: readonly string[];
  readonly uniqueAmongAll: readonly string[];
}

/**
 * What an erasure does with rows of an entity.
 *
 * @internal
 */
export interface PersonalDataPolicy {
  /** The class that declares it. */
  readonly entity: string;
  /** Whether the rows are persons. */
  readonly isSubject: boolean;
  /** The ways to the persons whose the rows are, with the entity of each. */
  readonly of: readonly string[];
  /** The properties that are overwritten, unless the row is removed. */
  readonly fields: readonly string[];
  readonly erasesRow: boolean;
  /** How long rows are kept first, from when, and why. */
  readonly keep?: { readonly for: string; readonly from: string; readonly ground: string };
}

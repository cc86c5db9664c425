/**
 * What a finding is about. The codes are stable: use them to branch on, or to leave findings out.
 *
 * @publicApi
 */
export type FindingCode =
  | 'invalid-mark'
  | 'not-marked'
  | 'other-repository'
  | 'table-missing'
  | 'table-is-partition'
  | 'table-is-view'
  | 'table-not-readable'
  | 'column-missing'
  | 'column-type'
  | 'column-not-null'
  | 'column-default'
  | 'unique-counts-deleted'
  | 'unique-without-effect'
  | 'active-unique-missing'
  | 'purge-index-missing'
  | 'purge-index-invalid'
  | 'timestamp-not-indexed'
  | 'foreign-key-not-indexed'
  | 'plain-rows-behind-key'
  | 'hard-deleted-parent'
  | 'reference-hides-deleted'
  | 'personal-data-forever'
  | 'guard-out-of-date'
  | 'view-out-of-date'
  | 'archive-not-owned'
  | 'archive-not-partitioned'
  | 'archived-timestamp'
  | 'archived-partial-index'
  | 'hold-to-review'
  | 'records-changeable'
  | 'records-truncatable'
  | 'records-owned'
  | 'partition-missing'
  | 'personal-data-undeclared'
  | 'retention-shorter-than-keep'
  | 'purge-overdue';

/**
 * A problem of the entities or the database.
 *
 * @publicApi
 */
export interface Finding {
  readonly code: FindingCode;
  /** `error`: wrong or lost rows. `warning`: slow, surprising or not enforced. `info`: worth knowing. */
  readonly severity: 'error' | 'warning' | 'info';
  /** The entity, or the table if no entity has it. */
  readonly entity: string;
  /** What happens because of it, with names. */
  readonly problem: string;
  /** The line of code or SQL that fixes it. */
  readonly fix: string;
}

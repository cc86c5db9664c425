import { SoftDeleteError } from './soft-delete.error.js';

/** One reason why a row cannot come back. */
export interface RestoreConflict {
  /** `unique`: an active row holds the value. `parent-deleted`: the row that owns this one is deleted itself. */
  readonly reason: 'unique' | 'parent-deleted';
  /** The entity of the row that was to be restored. */
  readonly entity: string;
  /** Its primary key: a value, or the values of a composite key in the order of their declaration. */
  readonly key: unknown;
  /** The unique constraint or index that the row would violate, or the relation to the deleted parent. */
  readonly constraint?: string;
  /** The properties whose values are taken. */
  readonly properties?: readonly string[];
  /** The primary key of the active row that holds the value, or of the deleted parent. */
  readonly conflictingKey?: unknown;
}

/**
 * A unit cannot be restored as a whole, so none of it was: neither the database nor memory changed.
 *
 * @publicApi
 */
export class RestoreConflictError extends SoftDeleteError {
  readonly code = 'RESTORE_CONFLICT';

  constructor(
    readonly entity: string,
    readonly conflicts: readonly RestoreConflict[],
  ) {
    super(`${entity} was not restored: ${conflicts.map(describe).join('; ')}. ${advice(conflicts)}`);
  }
}

function describe(conflict: RestoreConflict): string {
  const row = `${conflict.entity} ${String(conflict.key)}`;
  return conflict.reason === 'unique'
    ? `${row} has the same ${conflict.properties?.join(', ') ?? conflict.constraint} as the active row ${String(conflict.conflictingKey)}`
    : `${row} belongs to ${conflict.constraint} ${String(conflict.conflictingKey)}, which is deleted`;
}

function advice(conflicts: readonly RestoreConflict[]): string {
  const reasons = new Set(conflicts.map(({ reason }) => reason));
  return [
    reasons.has('unique') && 'Change or delete the active row first.',
    reasons.has('parent-deleted') && 'Restore the parent, or pass { withParents: true }.',
  ]
    .filter(Boolean)
    .join(' ');
}

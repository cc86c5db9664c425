import { SoftDeleteError } from './soft-delete.error.js';

/**
 * A write would have reached a deleted row, which nobody sees. Nothing was written.
 *
 * @publicApi
 */
export class DeletedRowError extends SoftDeleteError {
  readonly code = 'DELETED_ROW';

  constructor(
    readonly entity: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {
    super(
      `${entity} ${JSON.stringify(values, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} is deleted, and an upsert does not write to deleted rows. Restore it first, or use restoreOrCreate().`,
    );
  }
}

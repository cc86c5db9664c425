import { SoftDeleteError } from './soft-delete.error.js';

/**
 * An erasure that a run could not carry out. It stays open, and the next run tries it again.
 *
 * @publicApi
 */
export interface FailedErasure {
  readonly id: number;
  readonly entity: string;
  /** The tenant's, where tenants have erasures of their own. */
  readonly schema?: string;
  readonly error: unknown;
}

/**
 * A run of erasures has carried out all but some, which stay open.
 *
 * @publicApi
 */
export class ErasureFailedError extends SoftDeleteError {
  readonly code = 'ERASURE_FAILED';

  constructor(readonly failed: readonly FailedErasure[]) {
    super(
      `${failed.length === 1 ? 'An erasure has' : `${failed.length} erasures have`} failed: ` +
        failed
          .map(
            ({ id, entity, schema, error }) =>
              `${id} of ${entity}${schema ? ` in ${schema}` : ''} (${messageOf(error)})`,
          )
          .join(', ') +
        '. All others were carried out. Fix the cause: the next run tries again.',
      { cause: failed[0]?.error },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

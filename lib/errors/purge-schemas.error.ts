import { showValue } from './text/show-value.js';
import { SoftDeleteError } from './soft-delete.error.js';

/**
 * The function `purge.schemas` has thrown, or returned something that is no list of schemas. Entities of schema `'*'` are left alone.
 *
 * @publicApi
 */
export class PurgeSchemasError extends SoftDeleteError {
  readonly code = 'PURGE_SCHEMAS';

  constructor(problem: { readonly thrown: unknown } | { readonly answer: unknown }) {
    const what =
      'thrown' in problem
        ? `failed: ${problem.thrown instanceof Error ? problem.thrown.message : String(problem.thrown)}`
        : `returned ${showValue(problem.answer)}`;
    super(
      `purge.schemas ${what}. It must return a list of schema names. The next run calls it again.`,
      'thrown' in problem ? { cause: problem.thrown } : undefined,
    );
  }
}

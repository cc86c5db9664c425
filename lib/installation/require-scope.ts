import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { DeletedScope } from '../metadata/active-predicate.js';

const SCOPES: readonly unknown[] = ['active', 'with', 'only'] satisfies DeletedScope[];

/**
 * @throws SoftDeleteConfigError if a value is not one of the scopes
 * @internal
 */
export function requireScope(where: string, scope: unknown): DeletedScope {
  if (!SCOPES.includes(scope)) {
    throw new SoftDeleteConfigError(
      where,
      `${typeof scope === 'string' ? JSON.stringify(scope) : String(scope)} is not a scope.`,
      "Write 'active', 'with' or 'only'.",
    );
  }
  return scope as DeletedScope;
}

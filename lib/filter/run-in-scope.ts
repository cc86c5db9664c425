import { Readable } from 'node:stream';
import type { EntityManager } from '@mikro-orm/core';
import { runWhileOpen } from '../events/run-while-open.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import { getInstallation } from '../installation/installation.js';
import { requireScope } from '../installation/require-scope.js';
import { requireType } from '../options/require-type.js';
import { isAsyncGenerator, keepGeneratorInScope, keepStreamInScope } from './keep-in-scope.js';

/**
 * Calls a function whose reads show deleted rows as well (`'with'`), only deleted rows (`'only'`) or only active ones (`'active'`). This
 * applies to every entity manager of the ORM, unless a read sets its own scope. For jobs, cron handlers, listeners and seeders; for routes,
 * use `@WithDeleted()`.
 *
 * ```ts
 * const all = await runInScope(em, 'with', () => em.fork().find(User, {}));
 * ```
 *
 * The scope closes when the function's promise settles, or the stream or generator it returned has ended. A timer or promise that outlives
 * it reads active rows. Deletions and updates reach active rows only, as everywhere.
 *
 * @returns what the function returns
 * @throws SoftDeleteConfigError if there is no such scope, or nothing to call
 * @throws SoftDeleteNotInstalledError if soft deletion is not installed on the ORM
 * @publicApi
 */
export function runInScope<Result>(
  em: EntityManager,
  scope: DeletedScope,
  fn: () => PromiseLike<Result>,
): Promise<Result>;
export function runInScope<Result>(em: EntityManager, scope: DeletedScope, fn: () => Result): Result;
export function runInScope(em: EntityManager, scope: DeletedScope, fn: () => unknown): unknown {
  requireType('runInScope(fn)', fn ?? null, 'function');
  const opened = getInstallation(em).scope.open(requireScope('runInScope(scope)', scope));
  return runWhileOpen(opened, fn, (result) => {
    if (isAsyncGenerator(result)) {
      return keepGeneratorInScope(result, opened);
    }
    if (result instanceof Readable) {
      keepStreamInScope(
        result,
        (run) => opened.enter(run),
        () => opened.close(),
      );
      return result;
    }
    return undefined;
  });
}

import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { type DeletionContext, OpenDeletionContext } from './deletion-context.js';
import { runWhileOpen } from './run-while-open.js';

/**
 * Calls a function in which every deletion and restoration knows who asked for it and why: `em.remove()`, which has no options, and
 * whatever names neither itself. What an operation says in its own options comes first, then the innermost context, then the module's
 * `actor()`.
 *
 * ```ts
 * await withDeletionContext({ actor: 'cleanup', reason: 'duplicate' }, () => em.remove(user).flush());
 * ```
 *
 * The context ends when the function's promise settles: what it has left running deletes without it.
 *
 * @returns what the function returns
 * @throws SoftDeleteConfigError if the actor or the reason is not text, or there is nothing to call
 * @publicApi
 */
export function withDeletionContext<Result>(context: DeletionContext, fn: () => PromiseLike<Result>): Promise<Result>;
export function withDeletionContext<Result>(context: DeletionContext, fn: () => Result): Result;
export function withDeletionContext(context: DeletionContext, fn: () => unknown): unknown {
  const { actor, reason } = requireContext(context);
  requireType('withDeletionContext(), fn', fn ?? null, 'function');
  const opened = new OpenDeletionContext({
    ...(actor === undefined ? {} : { actor }),
    ...(reason === undefined ? {} : { reason }),
  });
  return runWhileOpen(opened, fn);
}

function requireContext(context: DeletionContext): DeletionContext {
  refuseUnknownOptions('withDeletionContext()', context, ['actor', 'reason']);
  requireType('withDeletionContext(), actor', context.actor, 'string');
  requireType('withDeletionContext(), reason', context.reason, 'string');
  return context;
}

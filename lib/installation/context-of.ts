import { currentDeletionContext, type DeletionContext } from '../events/deletion-context.js';
import { ReasonRequiredError } from '../errors/reason-required.error.js';
import type { Installation } from './installation.js';

/**
 * Who does an operation and why: what its options say, else the context around it, else the module's `actor()`. Asked once per
 * operation.
 *
 * @internal
 */
export function contextOf({ actor }: Pick<Installation, 'actor'>, given: DeletionContext = {}): DeletionContext {
  const around = currentDeletionContext();
  const by = given.actor ?? around.actor ?? actor();
  const why = given.reason ?? around.reason;
  return { ...(by === undefined ? {} : { actor: by }), ...(why === undefined ? {} : { reason: why }) };
}

/**
 * The same for an operation that somebody asks for and may have to give a reason for.
 *
 * @param operation - what was called, for the message
 * @throws ReasonRequiredError if it has none and needs one
 * @internal
 */
export function requireContext(
  installation: Pick<Installation, 'actor' | 'requiresReason'>,
  operation: string,
  given: DeletionContext = {},
): DeletionContext {
  const context = contextOf(installation, given);
  if (installation.requiresReason && context.reason === undefined) {
    throw new ReasonRequiredError(
      operation,
      operation.endsWith('()')
        ? `Pass { reason: '…' }, or call it inside of withDeletionContext({ reason: '…' }, …).`
        : `Call em.flush() inside of withDeletionContext({ reason: '…' }, …), or use @DeletionReason() on the route.`,
    );
  }
  return context;
}

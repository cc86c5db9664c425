import { currentDeletionContext, type DeletionContext } from '../events/deletion-context.js';
import { ReasonRequiredError } from '../errors/reason-required.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { showValue } from '../errors/text/show-value.js';
import type { Installation } from './installation.js';

/**
 * Who does an operation and why: what its options say, else the context around it, else the module's `actor()`. Asked once per
 * operation.
 *
 * @internal
 */
export function contextOf({ actor }: Pick<Installation, 'actor'>, given: DeletionContext = {}): DeletionContext {
  const around = currentDeletionContext();
  const by = given.actor ?? around.actor ?? actorOf(actor());
  const why = given.reason ?? around.reason;
  return { ...(by === undefined ? {} : { actor: by }), ...(why === undefined ? {} : { reason: why }) };
}

/** What the application says. It is typed, but whoever returns the id of a user, or a promise of one, may not be. */
function actorOf(actor: unknown): string | undefined {
  const text = typeof actor === 'number' || typeof actor === 'bigint' ? String(actor) : (actor ?? undefined);
  if (text !== undefined && (typeof text !== 'string' || text.includes('\0'))) {
    throw new SoftDeleteConfigError(
      'actor()',
      `it returned ${showValue(actor)}, which is no name of anybody.`,
      'Return text, or undefined, at once: it is not awaited.',
    );
  }
  return text;
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

import { currentDeletionContext, type DeletionContext } from '../events/deletion-context.js';
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

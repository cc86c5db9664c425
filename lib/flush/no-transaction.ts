import type { FlushEventArgs } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

/** Whether the ORM begins any: with `disableTransactions`, `em.transactional()` does not either. @internal */
export function hasTransactions(em: FlushEventArgs['em']): boolean {
  return em.getPlatform().supportsTransactions();
}

/** What a flush that deletes says where it has none. @internal */
export function noTransaction(em: FlushEventArgs['em']): SoftDeleteConfigError {
  const isEnabled = hasTransactions(em);
  return new SoftDeleteConfigError(
    isEnabled ? 'implicitTransactions' : 'disableTransactions',
    'a flush without a transaction cannot delete a unit as a whole.',
    isEnabled
      ? 'Leave `implicitTransactions` on, or wrap the work in em.transactional().'
      : 'Leave `disableTransactions` off, or delete with softDelete() of the repository, which begins its own transaction.',
  );
}

import type { EntityManager } from '@mikro-orm/core';
import type { DeletedScope } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../lib/installation/installation.js';

/** Runs something as a request with `@WithDeleted()` does: under a scope that nobody has named in between. */
export function inScope<T>(em: EntityManager<any>, scope: DeletedScope, run: () => T): T {
  return getInstallation(em).scope.run(scope, run);
}

import type { Configuration, EntityManager } from '@mikro-orm/core';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { SoftDeleteEvents } from '../events/soft-delete-events.js';
import { TransactionState } from '../events/transaction-state.js';
import { ScopeStorage } from './scope-storage.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/**
 * What soft deletion keeps for one ORM. It hangs on the ORM's configuration object, which all of its entity managers share
 * and no other ORM has.
 *
 * @internal
 */
export interface Installation {
  readonly catalog: SoftDeleteCatalog;
  readonly events: SoftDeleteEvents;
  /** The scope that reads have unless they name another: `active` outside of any. */
  readonly scope: ScopeStorage;
  actor: () => string | undefined;
  /** What is due when a transaction ends. */
  readonly transactions: TransactionState;
}

const installations = new WeakMap<Configuration<any>, Installation>();

/** @internal */
export function findInstallation(em: EntityManager<any>): Installation | undefined {
  return installations.get(em.config);
}

/**
 * @throws SoftDeleteNotInstalledError if `installSoftDelete` was not called for the ORM
 * @internal
 */
export function getInstallation(em: EntityManager<any>): Installation {
  const installation = installations.get(em.config);
  if (!installation) {
    throw new SoftDeleteNotInstalledError(em.config.get('contextName'));
  }
  return installation;
}

/** @internal */
export function createInstallation(em: EntityManager<any>, actor: () => string | undefined): Installation {
  const scope = new ScopeStorage();
  const events = new SoftDeleteEvents((call) => scope.run('active', call));
  const installation: Installation = {
    catalog: SoftDeleteCatalog.of(em),
    events,
    transactions: new TransactionState(events),
    scope,
    actor,
  };
  installations.set(em.config, installation);
  return installation;
}

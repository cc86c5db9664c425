import type { Configuration, EntityManager, EntityMetadata } from '@mikro-orm/core';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { SoftDeleteEvents } from '../events/soft-delete-events.js';
import { Operations } from '../events/operations.js';
import { TransactionState } from '../events/transaction-state.js';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import type { HoldTables } from './hold-tables.js';
import { ScopeStorage } from './scope-storage.js';
import { type OrmModel, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { parseRetention } from '../options/duration.js';
import type { ErasureOptions } from '../options/erasure-options.js';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';

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
  /** Whether every operation but a purge has to say why. */
  requiresReason: boolean;
  /** How long records are kept: milliseconds, or `'forever'`. */
  recordRetention: number | 'forever';
  /** When persons' data is erased, and who is told. */
  erasure: ErasureOptions;
  /** What `softDelete()` in the ORM's configuration was given, as it was given; nothing where the ORM was installed otherwise. */
  readonly configured: SoftDeleteModuleOptions;
  /** What is due when a transaction ends. */
  readonly transactions: TransactionState;
  /** The entity of the table in which operations are recorded, if the ORM has it. */
  records?: EntityMetadata | undefined;
  /** The entities of the tables of legal holds, if the ORM has them. */
  holds?: HoldTables | undefined;
  /** The relations that lead from persons to what is theirs, by declaration. What is held takes that along. */
  personalRelations?: readonly GraphRelation[];
  /** Where every door says what it did. */
  readonly operations: Operations;
}

const installations = new WeakMap<Configuration, Installation>();

/** @internal */
export function findInstallation(em: EntityManager): Installation | undefined {
  return installations.get(em.config);
}

/**
 * @throws SoftDeleteNotInstalledError if `installSoftDelete` was not called for the ORM
 * @internal
 */
export function getInstallation(em: EntityManager): Installation {
  const installation = installations.get(em.config);
  if (!installation) {
    throw new SoftDeleteNotInstalledError(em.config.get('contextName'));
  }
  return installation;
}

/** @internal */
export function createInstallation(orm: OrmModel, configured: SoftDeleteModuleOptions): Installation {
  const scope = new ScopeStorage();
  const events = new SoftDeleteEvents((call) => scope.run('active', call));
  const transactions = new TransactionState(events);
  const installation: Installation = {
    catalog: SoftDeleteCatalog.of(orm),
    events,
    transactions,
    operations: new Operations(transactions),
    scope,
    actor: configured.actor ?? (() => undefined),
    requiresReason: configured.log?.reason === 'required',
    recordRetention: parseRetention('log.retention', configured.log?.retention ?? 'forever'),
    erasure: configured.erasure ?? {},
    configured,
  };
  installations.set(orm.config, installation);
  return installation;
}

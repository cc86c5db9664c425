import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from './options/any-of-the-orm.js';
import { requireRecords } from './compliance/attend-operations.js';
import { findInstallation } from './installation/installation.js';
import { parseRetention } from './options/duration.js';
import { requireErasureOptions } from './options/erasure-options.js';
import { requireLogOptions } from './options/log-options.js';
import { refuseUnknownOptions } from './options/refuse-unknown-options.js';
import { requireType } from './options/require-type.js';
import type { InstallSoftDeleteOptions } from './options/soft-delete-module-options.js';
import { refuseLateDiscovery } from './orm/refuse-late-discovery.js';
import { prepareOrm } from './prepare-orm.js';

/**
 * Installs soft deletion on an ORM that already exists: registers the filter of active rows, turns removals through the unit of work into
 * soft deletions, and lets to-one relations keep resolving. `SoftDeleteModule.forRoot()` calls it. If you write the ORM's configuration,
 * prefer `softDelete()` in its `extensions`. Calling it again, or after that extension, only replaces the given options.
 *
 * The ORM forks an entity manager by constructing its class, so the root entity manager becomes an instance of a subclass, like all later
 * forks. A fork made before hides deleted rows too, but does not read again what it has loaded under another scope.
 *
 * @throws SoftDeleteConfigError if an option or a mark on an entity cannot work, or the driver is not the one of PostgreSQL
 * @throws UnsupportedOrmVersionError if this package does not support the version of MikroORM, or misses a part of it
 * @publicApi
 */
export function installSoftDelete(orm: AnyOrm, options: InstallSoftDeleteOptions = {}): void {
  refuseUnknownOptions('installSoftDelete()', options, ['actor', 'log', 'erasure']);
  requireType('installSoftDelete(), actor', options.actor, 'function');
  const log = requireLogOptions(options.log);
  const erasure = requireErasureOptions(options.erasure);
  const em = orm.em as EntityManager;
  const existing = findInstallation(em);
  if (existing) {
    requireRecords(em, { log, erasure });
    existing.erasure = { ...existing.erasure, ...erasure };
    existing.actor = options.actor ?? existing.actor;
    existing.requiresReason = log.reason === undefined ? existing.requiresReason : log.reason === 'required';
    existing.recordRetention =
      log.retention === undefined ? existing.recordRetention : parseRetention('log.retention', log.retention);
    return;
  }
  const prepared = prepareOrm(em, { log, erasure }, em);
  prepared.complete(em);
  prepared.adopt(em);
  refuseLateDiscovery(orm);
  findInstallation(em)!.actor = options.actor ?? (() => undefined);
}

import type { EntityManager } from '@mikro-orm/core';
import type { Duration } from '../options/duration.js';
import { findInstallation } from './installation.js';

/**
 * How long entities that name no retention keep their deleted rows, by `softDelete()` in the ORM's configuration.
 *
 * @internal
 */
export function configuredRetention(em: EntityManager): Duration | 'forever' | undefined {
  return findInstallation(em)?.configured.purge?.retention;
}

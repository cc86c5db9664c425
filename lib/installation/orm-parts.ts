import type { IDatabaseDriver, Platform } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { OrmModel } from '../metadata/soft-delete-catalog.js';

/**
 * What an ORM has before its first entity manager exists, and an entity manager as well.
 *
 * @internal
 */
export interface OrmParts extends OrmModel {
  getDriver(): IDatabaseDriver;
  getPlatform(): Platform;
}

/** @internal */
export type EntityManagerClass = new (...args: any[]) => EntityManager;

import { MikroORM } from '@mikro-orm/core';
import type { InjectionToken } from '@nestjs/common';

/** The options of one `forRoot()`, checked, with the defaults filled in. @internal */
export const RESOLVED_OPTIONS = Symbol('soft-delete-resolved-options');

/** What keeps the schedule of one `forRoot()`, if it has one. @internal */
export const PURGE_SCHEDULER = Symbol('soft-delete-purge-scheduler');

/** What keeps the schedule of the erasures of one `forRoot()`, if it has one. @internal */
export const ERASURE_SCHEDULER = Symbol('soft-delete-erasure-scheduler');

/** The token under which `@mikro-orm/nestjs` provides an ORM. @internal */
export function getOrmToken(contextName: string | undefined): InjectionToken<MikroORM> {
  return contextName ? `${contextName}_MikroORM` : MikroORM;
}

/**
 * The same ORM after soft deletion was installed on it: whoever injects it cannot be created before.
 *
 * @internal
 */
export function getInstalledOrmToken(contextName: string | undefined): InjectionToken {
  return contextName ? `SoftDeleteOrm_${contextName}` : 'SoftDeleteOrm';
}

import type { EntityName } from '@mikro-orm/core';
import { Inject } from '@nestjs/common';
import { getSoftDeleteRepositoryToken } from './soft-delete.tokens.js';

/**
 * Injects the `SoftDeleteRepository` of an entity that `SoftDeleteModule.forFeature()` names.
 *
 * ```ts
 * constructor(@InjectSoftDeleteRepository(User) private readonly users: SoftDeleteRepository<User>) {}
 * ```
 *
 * @param contextName - the ORM, where the application has several
 * @publicApi
 */
export function InjectSoftDeleteRepository(
  entity: EntityName<any>,
  contextName?: string,
): PropertyDecorator & ParameterDecorator {
  return Inject(getSoftDeleteRepositoryToken(entity, contextName));
}

import { Inject } from '@nestjs/common';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
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
  entity: AnyEntityName,
  contextName?: string,
): PropertyDecorator & ParameterDecorator {
  return Inject(getSoftDeleteRepositoryToken(entity, contextName));
}

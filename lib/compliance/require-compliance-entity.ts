import type { EntityClass, EntityMetadata } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { OrmModel } from '../metadata/soft-delete-catalog.js';

/** The metadata of one of this package's own entities, if the ORM has it. @internal */
export function findComplianceEntity(
  orm: Pick<OrmModel, 'getMetadata'>,
  entity: EntityClass<object>,
): EntityMetadata | undefined {
  return orm.getMetadata().find(entity as never);
}

/**
 * @throws SoftDeleteConfigError if the ORM does not have it
 * @internal
 */
export function requireComplianceEntity(
  orm: Pick<OrmModel, 'getMetadata'>,
  entity: EntityClass<object>,
): EntityMetadata {
  const meta = findComplianceEntity(orm, entity);
  if (!meta) {
    throw new SoftDeleteConfigError(
      'entities',
      `the ORM has no entity ${entity.name}, so nothing is recorded.`,
      'Add ...complianceEntities() of nestjs-mikro-orm-soft-delete/compliance to the entities of the MikroORM configuration, and create its tables with a migration.',
    );
  }
  return meta;
}

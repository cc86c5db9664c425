import { type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { AbstractSqlDriver, EntityManager } from '@mikro-orm/postgresql';
import type { DeletedScope } from '../metadata/active-predicate.js';
import type { Installation } from '../installation/installation.js';
import { readScope } from './read-scope.js';
import { ScopedQueryBuilder } from './scoped-query-builder.js';

type Run = (this: AbstractSqlDriver, entityName: any, where: any, ...rest: any[]) => any;

/**
 * Makes what the ORM reads with conditions on relations, updates and deletes by them go by the active rows of these relations.
 * All of its paths come through these methods of the driver, which is one for all entity managers of the ORM, those that exist
 * already included.
 *
 * @internal
 */
export function scopeDriver(em: EntityManager, installation: Installation): void {
  const driver = em.getDriver() as AbstractSqlDriver;
  const active = withScopedQueries(driver, 'active');
  const every = withScopedQueries(driver, 'with');

  for (const method of ['find', 'count', 'stream'] as const) {
    const run = driver[method] as Run;
    (driver as Record<typeof method, Run>)[method] = (entityName, where, options, ...rest) => {
      const scope = readScope(installation, options?.filters);
      const given = method === 'count' ? withoutKeysOfOthers(em, entityName, options) : options;
      return run.call(scope === 'active' ? active : every, entityName, where, given, ...rest);
    };
  }
  // A scope widens what is read, never what is changed.
  for (const method of ['nativeUpdate', 'nativeDelete'] as const) {
    const run = driver[method] as Run;
    (driver as Record<typeof method, Run>)[method] = (entityName, where, ...rest) =>
      run.call(active, entityName, where, ...rest);
  }
}

/** The same driver, but for the query builders it makes: they are made inside its methods, out of reach of a parameter. */
function withScopedQueries(driver: AbstractSqlDriver, scope: DeletedScope): AbstractSqlDriver {
  return Object.create(driver, {
    createQueryBuilder: {
      value: (...args: Parameters<AbstractSqlDriver['createQueryBuilder']>) =>
        ScopedQueryBuilder.adopt(driver.createQueryBuilder(...args), scope),
    },
  });
}

/**
 * The ORM joins the other side of a one-to-one relation for the key that is there. To find it the key is needed anyway; to count
 * it is not, but having a filter on it makes the ORM join it all the same.
 */
function withoutKeysOfOthers(em: EntityManager, entityName: any, options: any): any {
  const { properties } = em.getMetadata().get(entityName);
  const isKeyOfOther = ({ field, filter }: { field: string; filter?: boolean }) => {
    const [name, ref] = field.split(':');
    const prop = properties[name as never] as EntityProperty | undefined;
    return ref && filter && prop?.kind === ReferenceKind.ONE_TO_ONE && !prop.owner && prop.nullable;
  };
  return options?.populate?.some?.(isKeyOfOther)
    ? { ...options, populate: options.populate.filter((hint: any) => !isKeyOfOther(hint)) }
    : options;
}

import * as core from '@mikro-orm/core';
import { DataloaderUtils } from '@mikro-orm/core/dataloader';
import { AbstractSqlDriver, EntityManager, QueryBuilder } from '@mikro-orm/postgresql';
import type { OrmPart, Signature } from './touch.js';
import { TOUCHES } from './touches.js';

/** Where the members of a class are: its prototype, itself, or an object of it. @internal */
export type TouchedParts = Readonly<Record<OrmPart, object | undefined>>;

/** The classes of the ORM that is installed. Not those of the application's ORM, which may have extended them. @internal */
export function touchedParts(): TouchedParts {
  return {
    Collection: core.Collection?.prototype,
    DataloaderUtils,
    Driver: AbstractSqlDriver?.prototype,
    EntityFactory: core.EntityFactory?.prototype,
    EntityHelper: core.EntityHelper,
    EntityLoader: core.EntityLoader?.prototype,
    EntityManager: EntityManager?.prototype,
    EventManager: core.EventManager?.prototype,
    MikroORM: core.MikroORM?.prototype,
    QueryBuilder: QueryBuilder?.prototype,
    Reference: core.Reference?.prototype,
    WrappedEntity: core.WrappedEntity && new core.WrappedEntity({}, undefined as never),
  };
}

/**
 * The members of the ORM that this package needs and that are missing, or have other parameters than it knows, in words.
 *
 * @internal
 */
export function checkTouches(parts: TouchedParts): string[] {
  return TOUCHES.flatMap(({ part, members }) =>
    Object.entries(members).flatMap(([member, signature]) =>
      judge(`${part}.${member}`, parts[part], member, signature),
    ),
  );
}

function judge(name: string, part: object | undefined, member: string, signature: Signature): string[] {
  if (!part) {
    return [`${name} is missing`];
  }
  if (signature === 'later') {
    return [];
  }
  const found = describe(part, member);
  if (!found) {
    return [`${name} is missing`];
  }
  if (signature === 'value') {
    return [];
  }
  const known = [signature].flat() as number[];
  if (typeof found.value !== 'function') {
    return [`${name} is not a method`];
  }
  const { length } = found.value as () => unknown;
  return known.includes(length) ? [] : [`${name}() takes ${length} parameters, not ${known.join(' or ')}`];
}

function describe(part: object, member: string): PropertyDescriptor | undefined {
  for (let at: object | null = part; at; at = Object.getPrototypeOf(at) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, member);
    if (descriptor) {
      return descriptor;
    }
  }
  return undefined;
}

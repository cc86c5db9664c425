import {
  type EntityMetadata,
  type FilterQuery,
  helper,
  isRaw,
  type ObjectQuery,
  type Primary,
  raw,
  Reference,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { sentKeyOf } from '../sql/entity-key.js';
import { keyConditionSql } from '../sql/row-set.js';

/**
 * What an operation is asked of: a primary key, an entity, a list of either, or a condition.
 *
 * @publicApi
 */
export type DeletionTarget<Entity extends object> =
  | FilterQuery<Entity>
  | Primary<Entity>
  | Entity
  | readonly (Primary<Entity> | Entity)[];

/**
 * A target as a condition. An empty list becomes one that no row meets.
 *
 * @throws SoftDeleteConfigError if a value is `undefined`: a key that was never set must not become "every row"
 * @internal
 */
export function resolveTarget<Entity extends object>(
  operation: string,
  em: EntityManager,
  meta: EntityMetadata<Entity>,
  target: DeletionTarget<Entity>,
): ObjectQuery<Entity> {
  refuseUndefined(operation, target, []);
  if (Array.isArray(target) && !isTuple(meta, target)) {
    return anyOf(
      em,
      meta,
      target.map((item) => resolveOne(operation, meta, item)),
    );
  }
  return resolveOne(operation, meta, target);
}

function resolveOne<Entity extends object>(
  operation: string,
  meta: EntityMetadata<Entity>,
  target: unknown,
): ObjectQuery<Entity> {
  const entity = Reference.unwrapReference(target as Entity);
  if (Utils.isEntity<Entity>(entity)) {
    const key = helper(entity).getPrimaryKey();
    if (key == null) {
      throw new SoftDeleteConfigError(
        `${operation}()`,
        `the ${meta.className} has no primary key yet.`,
        'Flush it first.',
      );
    }
    return keyCondition(meta, key);
  }
  if (Utils.isPrimaryKey(target) || (Array.isArray(target) && isTuple(meta, target))) {
    return keyCondition(meta, target);
  }
  return target as ObjectQuery<Entity>;
}

/** Whether an array is one composite key rather than a list of keys. */
function isTuple(meta: EntityMetadata, target: readonly unknown[]): boolean {
  return (
    meta.compositePK &&
    target.length === meta.primaryKeys.length &&
    !target.every((part) => Array.isArray(part) || Utils.isEntity(part) || isCondition(meta, part))
  );
}

/** Whether an object is a condition on an entity's rows, rather than the key of another one's as a part of a key. */
function isCondition(meta: EntityMetadata, part: unknown): boolean {
  return (
    Utils.isPlainObject(part) && Object.keys(part).every((name) => name.startsWith('$') || name in meta.properties)
  );
}

function keyCondition<Entity extends object>(meta: EntityMetadata<Entity>, key: unknown): ObjectQuery<Entity> {
  if (!meta.compositePK) {
    return { [meta.primaryKeys[0]!]: key } as ObjectQuery<Entity>;
  }
  return Utils.isPlainObject(key)
    ? (key as ObjectQuery<Entity>)
    : (Utils.primaryKeyToObject(meta, key as Primary<Entity>) as ObjectQuery<Entity>);
}

/** How many keys a condition names one by one. More than that are sent as arrays. */
const FEW = 100;

function anyOf<Entity extends object>(
  em: EntityManager,
  meta: EntityMetadata<Entity>,
  conditions: ObjectQuery<Entity>[],
): ObjectQuery<Entity> {
  const key = meta.primaryKeys[0]!;
  const simple =
    conditions.length === 0 ||
    (!meta.compositePK && conditions.every((condition) => Object.keys(condition).join() === key));
  const isLarge = conditions.length > FEW && conditions.every((condition) => isWholeKey(meta, condition));
  if (isLarge) {
    const keys = conditions.map((condition) => sentKeyOf(em, meta, simple ? Object.values(condition)[0] : condition));
    const { sql, params } = keyConditionSql(em, meta, ALIAS, keys);
    return { [raw((alias: string) => sql.replaceAll(ALIAS, alias), [...params])]: [] } as never;
  }
  return simple
    ? ({
        [key]: { $in: conditions.map((condition) => (condition as Record<string, unknown>)[key]) },
      } as ObjectQuery<Entity>)
    : ({ $or: conditions } as ObjectQuery<Entity>);
}

/** Stands for the alias that the ORM gives the rows. */
const ALIAS = '"soft-delete:target"';

/** Whether a condition is nothing but one row's key. */
function isWholeKey(meta: EntityMetadata, condition: object): boolean {
  const names = Object.keys(condition);
  return (
    names.length === meta.primaryKeys.length &&
    meta.getPrimaryProps().every((prop) => {
      const part = (condition as Record<string, unknown>)[prop.name];
      return part != null && (!Utils.isPlainObject(part) || prop.targetMeta !== undefined);
    })
  );
}

function refuseUndefined(operation: string, value: unknown, path: readonly string[]): void {
  if (value === undefined || (value === null && path.length === 0)) {
    throw new SoftDeleteConfigError(
      `${operation}()`,
      path.length === 0 ? `${String(value)} is not a target.` : `the condition's ${path.join('.')} is undefined.`,
      'Pass a primary key, an entity, a list of either, or a condition; {} means every row.',
    );
  }
  if (Array.isArray(value)) {
    value.forEach((item, i) => refuseUndefined(operation, item ?? undefined, [...path, String(i)]));
  } else if (Utils.isPlainObject(value) && !isRaw(value)) {
    for (const [key, item] of Object.entries(value)) {
      refuseUndefined(operation, item, [...path, key]);
    }
  }
}

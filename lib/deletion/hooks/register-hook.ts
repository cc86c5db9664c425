import type { EntityName, EntityMetadata } from '@mikro-orm/core';
import type { AnyEntityName } from '../../options/any-of-the-orm.js';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { getInstallation, type Installation } from '../../installation/installation.js';
import { findMetadata } from '../../metadata/soft-delete-catalog.js';
import { closestName } from '../../options/closest-name.js';
import type { DeletionHandler, DeletionHookOptions, HookedAction } from './deletion-hook.js';
import { requireHookOptions } from './require-hook-options.js';
import { runHook } from './run-hook.js';

const ACTIONS = { delete: 'deleted', restore: 'restored' } as const satisfies Record<string, HookedAction>;

/**
 * Does what `@OnDelete()` and `@OnRestore()` do, without Nest: calls a handler with the rows that an operation soft-deletes or restores,
 * inside its transaction.
 *
 * ```ts
 * registerHook(orm, 'delete', User, async (users, { em }) => { … }, { fields: ['email'] });
 * ```
 *
 * @throws SoftDeleteConfigError if the entity is not soft-deletable, lacks a field, or an option is unknown
 * @throws SoftDeleteNotInstalledError if soft deletion is not installed on the ORM
 * @publicApi
 */
export function registerHook<Entity extends object>(
  orm: { readonly em: EntityManager },
  on: 'delete' | 'restore',
  entity: EntityName<Entity>,
  handler: DeletionHandler<Entity>,
  options: DeletionHookOptions<Entity> = {},
): void {
  requireHookOptions('registerHook()', entity, options);
  if (!Object.hasOwn(ACTIONS, on)) {
    throw new SoftDeleteConfigError(
      'registerHook()',
      `${JSON.stringify(on)} is not an operation.`,
      "Write 'delete' or 'restore'.",
    );
  }
  if (typeof handler !== 'function') {
    throw new SoftDeleteConfigError('registerHook()', 'the handler is not a function.', 'Pass a function.');
  }
  addHook(getInstallation(orm.em), 'registerHook()', ACTIONS[on], entity, handler, options);
}

/** @internal */
export function addHook(
  { catalog, operations }: Installation,
  where: string,
  action: HookedAction,
  entity: AnyEntityName,
  handler: DeletionHandler,
  options: DeletionHookOptions,
): void {
  const meta = findMetadata(catalog, entity);
  if (!meta || !catalog.findMarked(entity)) {
    throw new SoftDeleteConfigError(
      where,
      `${entity.name} is ${meta ? 'not soft-deletable' : 'not an entity of this ORM'}.`,
      `Soft-deletable are: ${catalog
        .allMarked()
        .map(({ name }) => name)
        .toSorted()
        .join(', ')}.`,
    );
  }
  const fields = options.fields ?? [];
  fields.forEach((field) => requireField(`${where}, fields`, meta, field));
  const hook = { action, entity, handler, fields };
  operations.hook((operation, place) => runHook(hook, meta, operation, place));
}

/** @throws SoftDeleteConfigError if the entity has no such property @internal */
export function requireField(where: string, meta: EntityMetadata, field: string): void {
  const [name] = field.split('.') as [string];
  if (!Object.hasOwn(meta.properties, name)) {
    const names = Object.keys(meta.properties);
    const meant = closestName(name, names);
    throw new SoftDeleteConfigError(
      where,
      `${meta.className} has no property "${name}".`,
      meant ? `Did you mean "${meant}"?` : `It has: ${names.join(', ')}.`,
    );
  }
}

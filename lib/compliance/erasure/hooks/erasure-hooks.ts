import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../../../options/any-of-the-orm.js';
import { readListedSnapshots } from '../../../archive/reading/read-snapshots.js';
import type { DeletionHandler, DeletionHookOptions } from '../../../deletion/hooks/deletion-hook.js';
import { refuseEndlessHooks } from '../../../deletion/hooks/refuse-endless-hooks.js';
import { requireField } from '../../../deletion/hooks/register-hook.js';
import { callHandler, readRows } from '../../../deletion/hooks/run-hook.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import type { DeletionContext } from '../../../events/deletion-context.js';
import { findMetadata, type OrmModel } from '../../../metadata/soft-delete-catalog.js';
import { identify } from '../../../sql/row-set.js';
import { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import type { ErasureHook } from './erasure-hook.js';

/** How many rows a handler is given at once. */
const PORTION = 1_000;

const hooks = new WeakMap<OrmModel['config'], ErasureHook[]>();

/**
 * Has a handler called by every erasure of the ORM.
 *
 * @throws SoftDeleteConfigError if nothing of the entity is ever erased, or it lacks a field
 * @internal
 */
export function addErasureHook(
  em: EntityManager,
  where: string,
  entity: AnyEntityName,
  handler: DeletionHandler,
  options: DeletionHookOptions,
): void {
  const meta = findMetadata(em, entity);
  if (!meta || PersonalDataCatalog.of(em).of(meta).length === 0) {
    throw new SoftDeleteConfigError(
      where,
      `${entity.name} is ${meta ? 'not declared by @PersonalData(), so nothing of it is erased' : 'not an entity of this ORM'}.`,
      'Name an entity with @PersonalData().',
    );
  }
  const fields = options.fields ?? [];
  fields.forEach((field) => requireField(`${where}, fields`, meta, field));
  hooks.set(em.config, [...(hooks.get(em.config) ?? []), { entity, handler, fields }]);
}

/** @internal */
export function hasErasureHooks(em: EntityManager): boolean {
  return (hooks.get(em.config) ?? []).length > 0;
}

/**
 * Calls the handlers with the rows that are about to be erased.
 *
 * @returns whether there was any to call
 * @internal
 */
export async function callErasureHooks(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
  context: DeletionContext,
): Promise<boolean> {
  let isCalled = false;
  for (const hook of hooks.get(em.config) ?? []) {
    const meta = em.getMetadata().get(hook.entity);
    const own = rows.filter(({ root }) => root.class === meta.root.class);
    for (const [isLive, group] of Map.groupBy(own, (row) => row.isLive)) {
      for (let i = 0; i < group.length; i += PORTION) {
        const portion = group.slice(i, i + PORTION);
        const keys = portion.map(({ key }) => key);
        const listed = portion.map(({ key, unit }) => [identify(key), unit!] as const);
        const read = (tx: EntityManager) =>
          isLive ? readRows(tx, hook, meta, keys) : readListedSnapshots(tx, meta, listed);
        isCalled = true;
        await refuseEndlessHooks(`@OnErase(${meta.className})`, () => callHandler(hook, read, context, { em, ctx }));
      }
    }
  }
  return isCalled;
}

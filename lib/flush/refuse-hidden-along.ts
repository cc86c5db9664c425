import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import { type GuardedTable, hiddenRows, removedSql } from '../postgres/removed-rows.js';
import type { CascadingKey } from '../postgres/cascade-catalog.js';
import { execute, inTransaction } from '../sql/transaction.js';
import { abortTransaction } from './finish-removals.js';
import { cascadesOf } from './refuse-physical-cascade.js';

/**
 * Removes rows physically, unless the database removes soft-deletable rows along which a policy hides from the user.
 *
 * @throws DeletionRestrictedError if it does; nothing is removed then
 * @internal
 */
export async function refuseHiddenAlong<Result>(
  em: EntityManager,
  ctx: Transaction | undefined,
  meta: EntityMetadata,
  remove: (ctx: Transaction | undefined) => Promise<Result>,
): Promise<Result> {
  const keys = await cascadesOf(em, ctx, meta);
  if (!keys.some(({ isGuarded }) => isGuarded)) {
    return remove(ctx);
  }
  return ctx
    ? removeGuarded(em, ctx, meta, keys, remove)
    : inTransaction(em, (own) => removeGuarded(em, own, meta, keys, remove));
}

async function removeGuarded<Result>(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  keys: readonly CascadingKey[],
  remove: (ctx: Transaction) => Promise<Result>,
): Promise<Result> {
  const endangered = new Map(
    keys.flatMap(({ from: name, endangers: entity }): [string, GuardedTable][] =>
      entity ? [[name, { name, entity }]] : [],
    ),
  );
  const tables = [...endangered.values()];
  const { sql, params } = removedSql(
    tables,
    keys.map(({ from }) => from),
  );
  const count = async () =>
    (await execute<{ removed: number[] | null }>(em, ctx, `select ${sql} as removed`, params))[0]!.removed;
  const before = await count();
  const result = await remove(ctx);
  const restrictions = before ? hiddenRows(tables, before, await count()) : [];
  if (restrictions.length > 0) {
    await abortTransaction(em, ctx);
    throw new DeletionRestrictedError(meta.className, restrictions);
  }
  return result;
}

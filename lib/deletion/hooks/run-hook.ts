import { type EntityMetadata, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { readListedSnapshots } from '../../archive/reading/read-snapshots.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import type { Operation, OperationPart, OperationPlace } from '../../events/operation.js';
import { worksFor } from '../../installation/outer-managers.js';
import { keyConditionSql, type RowKey } from '../../sql/row-set.js';
import { eachArchivedKeyOfPart, eachKeyOfPart } from '../each-key-of-part.js';
import type { DeletionHook, HookedAction } from './deletion-hook.js';
import { refuseEndlessHooks } from './refuse-endless-hooks.js';

/** How many rows a handler is given at once. */
const PORTION = 1_000;

/** What rows are hooked for, by what is done to them. */
const HOOKED: Partial<Record<Operation['action'], HookedAction>> = {
  deleted: 'deleted',
  archived: 'deleted',
  restored: 'restored',
};

/** Reads the rows of a portion that a handler is given. */
type ReadRows = (em: EntityManager) => Promise<object[]>;

/**
 * Calls a handler with the rows of its entity that an operation has reached, if it has reached any.
 *
 * @throws SoftDeleteConfigError if handlers have called each other so often that they would not end
 * @internal
 */
export async function runHook(
  hook: DeletionHook,
  meta: EntityMetadata,
  operation: Operation,
  place: OperationPlace,
): Promise<void> {
  const parts = operation.parts.filter((each) => each.meta === meta.root);
  if (HOOKED[operation.action] !== hook.action || parts.length === 0) {
    return;
  }
  const name = `@On${hook.action === 'deleted' ? 'Delete' : 'Restore'}(${meta.className})`;
  await refuseEndlessHooks(name, async () => {
    for (const part of parts) {
      for await (const read of eachPortion(hook, meta, part, operation, place)) {
        await callHandler(hook, read, operation, place);
      }
    }
  });
}

async function* eachPortion(
  hook: DeletionHook,
  meta: EntityMetadata,
  part: OperationPart,
  operation: Operation,
  place: OperationPlace,
): AsyncGenerator<ReadRows> {
  const { action, unit } = operation;
  if (action !== 'archived') {
    for await (const keys of inPortions(eachKeyOfPart(part, operation, place))) {
      yield (em) => readRows(em, hook, meta, keys);
    }
    return;
  }
  for await (const keys of inPortions(eachArchivedKeyOfPart(part, unit!, place))) {
    const listed = keys.map((key) => [key, unit!.text] as const);
    yield (em) => readListedSnapshots(em, meta, listed);
  }
}

async function* inPortions<Key>(keys: AsyncIterable<Key>): AsyncGenerator<Key[]> {
  let portion: Key[] = [];
  for await (const key of keys) {
    portion.push(key);
    if (portion.length === PORTION) {
      yield portion;
      portion = [];
    }
  }
  if (portion.length > 0) {
    yield portion;
  }
}

/** The rows with these keys, as they are in their table, deleted or not. @internal */
export function readRows(
  em: EntityManager,
  { entity, fields }: Pick<DeletionHook, 'entity' | 'fields'>,
  meta: EntityMetadata,
  keys: readonly RowKey[],
): Promise<object[]> {
  const { params } = keyConditionSql(em, meta, 'c', keys);
  const isListed = raw((alias: string) => keyConditionSql(em, meta, alias, keys).sql, [...params]);
  return em.find(entity, { [isListed as unknown as string]: [] } as never, {
    fields: [...new Set([...meta.primaryKeys, ...fields])] as never,
    filters: false,
    disableIdentityMap: true,
    cache: false,
  });
}

/**
 * Calls a handler with rows, if there are any, in a savepoint: a flush of the handler must not be taken for the one that is being completed,
 * which has the transaction of its own (`current` in `soft-delete.subscriber.ts`).
 *
 * @internal
 */
export async function callHandler(
  { handler }: Pick<DeletionHook, 'handler'>,
  read: ReadRows,
  { actor, reason }: DeletionContext,
  { em, ctx }: OperationPlace,
): Promise<void> {
  const own = em.fork({ clear: true }) as EntityManager;
  own.setTransactionContext(ctx);
  worksFor(own, em);
  const context = { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) };
  await own.transactional(
    async (tx) => {
      const rows = await read(tx as EntityManager);
      if (rows.length > 0) {
        await handler(rows, { em: tx as EntityManager, ...context });
      }
    },
    { clear: true },
  );
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { type EntityMetadata, raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import type { Operation, OperationPlace } from '../../events/operation.js';
import { worksFor } from '../../installation/outer-managers.js';
import { keyConditionSql, type RowKey } from '../../sql/row-set.js';
import { eachKeyOfPart } from '../each-key-of-part.js';
import type { DeletionHook } from './deletion-hook.js';

/** How many rows a handler is given at once. */
const PORTION = 1_000;

/** How many handlers may run inside of each other. */
const MOST_NESTED = 32;

/** A hook that runs, inside of others. What it has started and not waited for may outlive it. */
interface RunningHook {
  readonly name: string;
  readonly within: RunningHook | undefined;
  isOver: boolean;
}

const running = new AsyncLocalStorage<RunningHook>();

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
  if (operation.action !== hook.action) {
    return;
  }
  const parts = operation.parts.filter((each) => each.meta === meta.root);
  const name = `@On${hook.action === 'deleted' ? 'Delete' : 'Restore'}(${meta.className})`;
  const own: RunningHook = { name, within: running.getStore(), isOver: false };
  if (parts.length > 0) {
    refuseEndless(own);
  }
  try {
    await running.run(own, () => callForParts(hook, meta, parts, operation, place));
  } finally {
    own.isOver = true;
  }
}

function refuseEndless(hook: RunningHook): void {
  const names: string[] = [];
  for (let each: RunningHook | undefined = hook; each; each = each.within) {
    if (!each.isOver) {
      names.unshift(each.name);
    }
  }
  if (names.length > MOST_NESTED) {
    throw new SoftDeleteConfigError(
      hook.name,
      `${MOST_NESTED} handlers have called each other: ${names.slice(0, 4).join(' → ')} → ….`,
      'Have one of them leave rows alone that the other has changed.',
    );
  }
}

async function callForParts(
  hook: DeletionHook,
  meta: EntityMetadata,
  parts: Operation['parts'],
  operation: Operation,
  place: OperationPlace,
): Promise<void> {
  for (const part of parts) {
    let portion: RowKey[] = [];
    for await (const key of eachKeyOfPart(part, operation, place)) {
      portion.push(key);
      if (portion.length === PORTION) {
        await callHandler(hook, meta, portion, operation, place);
        portion = [];
      }
    }
    if (portion.length > 0) {
      await callHandler(hook, meta, portion, operation, place);
    }
  }
}

/**
 * Works in a savepoint: a flush of the handler must not be taken for the one that is being completed, which has the transaction of its
 * own (`current` in `soft-delete.subscriber.ts`).
 *
 * @internal
 */
export async function callHandler(
  { entity, handler, fields }: Pick<DeletionHook, 'entity' | 'handler' | 'fields'>,
  meta: EntityMetadata,
  keys: readonly RowKey[],
  { actor, reason }: DeletionContext,
  { em, ctx }: OperationPlace,
): Promise<void> {
  const own = em.fork({ clear: true }) as EntityManager;
  own.setTransactionContext(ctx);
  worksFor(own, em);
  const context = { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) };
  await own.transactional(
    async (tx) => {
      const { params } = keyConditionSql(tx as EntityManager, meta, 'c', keys);
      const isListed = raw((alias: string) => keyConditionSql(tx as EntityManager, meta, alias, keys).sql, [...params]);
      const rows = await tx.find(entity, { [isListed as unknown as string]: [] } as never, {
        fields: [...new Set([...meta.primaryKeys, ...fields])] as never,
        filters: false,
        disableIdentityMap: true,
      });
      if (rows.length > 0) {
        await handler(rows, { em: tx as EntityManager, ...context });
      }
    },
    { clear: true },
  );
}

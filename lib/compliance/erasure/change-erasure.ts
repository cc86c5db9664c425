import type { EntityManager } from '@mikro-orm/postgresql';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { execute, inTransaction } from '../../sql/transaction.js';
import { type Erasure, stateOf } from './erasure-state.js';
import { erasureTable, readErasures } from './erasure-store.js';

/**
 * Changes a request that is not withdrawn.
 *
 * @param condition - what else is asked of the row `e`
 * @throws SoftDeleteConfigError if there is no such request, or it is in another state
 * @internal
 */
export async function changeErasure(
  em: EntityManager,
  where: string,
  id: number,
  condition: string,
  assignments: string,
  params: readonly unknown[],
): Promise<Erasure> {
  if (!Number.isSafeInteger(id)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(id)} is not the id of an erasure.`,
      'request() and status() return it.',
    );
  }
  return inTransaction(em, async (ctx) => {
    const changed = await execute(
      em,
      ctx,
      `update ${erasureTable(em)} as e set ${assignments} where e."id" = ? and e."withdrawn_at" is null and ${condition} returning e."id"`,
      [...params, id],
    );
    const [erasure] = await readErasures(em, ctx, 'e."id" = ?', [id]);
    if (changed.length === 0) {
      const state = erasure && stateOf(em, erasure);
      throw new SoftDeleteConfigError(
        where,
        state
          ? `the erasure ${id} is ${state.state}${state.extendedAt ? ' and was extended before' : ''}.`
          : `there is no erasure ${id}.`,
        'status() lists every erasure with its state.',
      );
    }
    return stateOf(em, erasure!);
  });
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { findMisfits } from '../restoration/find-misfits.js';
import { isMisfit } from '../snapshot/is-misfit.js';
import type { AskedSnapshots } from './asked-snapshots.js';

const NAMED = 3;

/**
 * Runs what reads archived rows as rows of their table.
 *
 * @param way - how they are asked for
 * @throws SoftDeleteConfigError naming rows whose values are none of their columns' types any more
 * @internal
 */
export async function refuseMisfits<Result>(
  em: EntityManager,
  meta: EntityMetadata,
  asked: AskedSnapshots,
  way: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isMisfit(error)) {
      throw error;
    }
    const known = (await findMisfits(em, meta, asked, error)).filter(({ key }) => key !== undefined);
    const named = known.slice(0, NAMED).map(({ entity, key, column }) => `${column} of ${entity} ${showValue(key)}`);
    const where = known.length === 0 ? '' : ` (${named.join(', ')}${known.length > NAMED ? ', …' : ''})`;
    const refusal = new SoftDeleteConfigError(
      `${way} on ${meta.className}`,
      `archived rows cannot be read, since a value does not fit the type that its column has today${where}. PostgreSQL says: ${(error as Error).message}.`,
      'Change the type back, or rename the column and declare it with `archive: { dropped }` or `{ renamed }` of @SoftDeletable(). ' +
        'If the condition names the value, correct that.',
    );
    refusal.cause = error;
    throw refusal;
  }
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { ErasureUndeclaredError } from '../../errors/erasure-undeclared.error.js';
import { ErasureFailedError, type FailedErasure } from '../../errors/erasure-failed.error.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { contextOf } from '../../installation/context-of.js';
import { getInstallation } from '../../installation/installation.js';
import type { ErasureOptions } from '../../options/erasure-options.js';
import { execute, inTransaction } from '../../sql/transaction.js';
import { carryOutErasure } from './carry-out-erasure.js';
import { findUndeclared } from './declaration/find-undeclared.js';
import type { ErasureCertificate } from './erasure-certificate.js';
import { certificateOf, metaOf } from './erasure-state.js';
import { erasureTable, readErasures, type StoredErasure } from './erasure-store.js';
import { tenantOf } from '../managers-of-tenants.js';
import { takeTurn } from './take-turn.js';
import { tellLedger } from './ledger/tell-ledger.js';

/** What there is to do: what was asked for, as soon as it may be done, what is partial, and what nobody has looked at since it was done. */
const TO_DO =
  `e."withdrawn_at" is null and (e."outcome" = 'partial' or (e."outcome" = 'completed' and e."checked_at" is null) ` +
  `or (e."outcome" is null and coalesce(e."not_before" <= clock_timestamp(), true)))`;

/**
 * Carries out what there is to do, each erasure in a transaction of its own. Several instances share the work.
 *
 * @param managers - one for each schema with erasures
 * @returns certificates of what was done; a completed erasure of which nothing has come since is passed over in silence
 * @throws ErasureFailedError after all others, if some have failed
 * @internal
 */
export async function runErasures(
  managers: readonly EntityManager[],
  options: ErasureOptions,
): Promise<ErasureCertificate[]> {
  const certificates: ErasureCertificate[] = [];
  const failed: FailedErasure[] = [];
  const troubles: unknown[] = [];
  for (const em of managers) {
    // What is wrong with the tables of one tenant is nothing to the others.
    await runIn(em, options, certificates, failed).catch((error: unknown) => troubles.push(error));
  }
  if (failed.length > 0) {
    throw new ErasureFailedError(failed);
  }
  if (troubles.length > 0) {
    throw troubles[0];
  }
  return certificates;
}

async function runIn(
  em: EntityManager,
  options: ErasureOptions,
  certificates: ErasureCertificate[],
  failed: FailedErasure[],
): Promise<void> {
  let isAnswering = true;
  const asked = new Set<number>();
  for (const erasure of await readErasures(em, em.getTransactionContext(), TO_DO)) {
    try {
      const done = await carryOut(em, erasure, options);
      if (done && !(erasure.outcome === 'completed' && done.outcome === 'completed')) {
        certificates.push(certificateOf(em, done));
      }
      if (done && erasure.ledger === null && isAnswering) {
        asked.add(done.id);
        isAnswering = await tellLedger(em, done.id, options);
      }
    } catch (error) {
      failed.push({ id: erasure.id, entity: erasure.entity, ...tenantOf(em), error });
    }
  }
  // What earlier runs owe, and erasures of handlers.
  for (const { id } of await readErasures(em, em.getTransactionContext(), `e."ledger" = 'owed'`)) {
    isAnswering = isAnswering && (asked.has(id) || (await tellLedger(em, id, options)));
  }
}

async function carryOut(
  em: EntityManager,
  { id, entity, reason, outcome }: StoredErasure,
  { ledger }: ErasureOptions,
): Promise<StoredErasure | undefined> {
  const meta = metaOf(em, entity);
  if (!meta) {
    throw new SoftDeleteConfigError(
      'ErasureService.run()',
      `${entity} is no longer an entity of this ORM.`,
      'Register it again, or withdraw() the erasure.',
    );
  }
  const undeclared = findUndeclared(em, meta);
  if (undeclared.length > 0) {
    throw new ErasureUndeclaredError(entity, undeclared);
  }
  return inTransaction(em, async (ctx) => {
    await takeTurn(em, ctx);
    const [mine] = await execute<{ id: number }>(
      em,
      ctx,
      `select e."id" from ${erasureTable(em)} as e where e."id" = ? and e."outcome" is not distinct from ? and ${TO_DO} for update skip locked`,
      [id, outcome],
    );
    const context = contextOf(getInstallation(em), reason === null ? {} : { reason });
    return mine && carryOutErasure(em, ctx, meta, id, { context, hasLedger: ledger !== undefined });
  });
}

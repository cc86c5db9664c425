import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionContext } from '../../events/deletion-context.js';
import { execute } from '../../sql/transaction.js';
import { addErasures } from './describe-erasure.js';
import { type BeforeErasure, erasePerson } from './erase-person.js';
import { erasureTable, readErasures, type StoredErasure } from './erasure-store.js';
import { findUnchanged } from './search/find-unchanged.js';

/**
 * Carries out one erasure in its transaction, from where an earlier run has left it, and notes what was done and what is left.
 *
 * A completed one is looked at once more by the next run: who waited for the person's row writes after it. What is found then is erased
 * as well, and counts as residue until a run has found nothing more.
 *
 * Where there is no such person any more, nothing is left to erase.
 *
 * @internal
 */
export async function carryOutErasure(
  em: EntityManager,
  ctx: Transaction,
  subject: EntityMetadata,
  id: number,
  { context, before }: { context: DeletionContext; before?: BeforeErasure },
): Promise<StoredErasure> {
  await execute(em, ctx, `select 1 from ${erasureTable(em)} where "id" = ? for update`, [id]);
  const [stored] = await readErasures(em, ctx, 'e."id" = ?', [id]);
  const wasCompleted = stored!.outcome === 'completed';
  const done = await erasePerson(em, ctx, subject, stored!.key, { context, ...(before ? { before } : {}) });
  if (!done) {
    return finishGone(em, ctx, stored!);
  }
  const known = stored!.cells.filter(({ hash }) => hash !== '');
  const cells = [...done.cells, ...(await findUnchanged(em, ctx, known, done.cells))];
  const late = wasCompleted ? done.changed : 0;
  const residue = done.pendingColumns + cells.length + late;
  const outcome = residue === 0 && !done.isPending ? 'completed' : 'partial';
  await execute(
    em,
    ctx,
    `update ${erasureTable(em)} set "outcome" = ?, "certificate" = cast(? as jsonb), "cells" = cast(? as jsonb), ` +
      `"finished_at" = ${wasCompleted && late === 0 ? '"finished_at"' : 'clock_timestamp()'}, ` +
      `"checked_at" = ${wasCompleted && late === 0 ? 'clock_timestamp()' : 'null'} where "id" = ?`,
    [
      outcome,
      JSON.stringify({ entities: addErasures(stored!.certificate?.entities ?? [], done.entities), residue }),
      JSON.stringify(cells),
      id,
    ],
  );
  return (await readErasures(em, ctx, 'e."id" = ?', [id]))[0]!;
}

/** The row went by other means, or by an earlier run: nothing of it can be left. */
async function finishGone(em: EntityManager, ctx: Transaction, { id, certificate, outcome }: StoredErasure) {
  const entities = (certificate?.entities ?? []).map((entity) => ({ ...entity, kept: [], held: [] }));
  await execute(
    em,
    ctx,
    `update ${erasureTable(em)} set "outcome" = 'completed', "certificate" = cast(? as jsonb), "cells" = '[]', ` +
      `"finished_at" = ${outcome === 'completed' ? '"finished_at"' : 'clock_timestamp()'}, "checked_at" = clock_timestamp() where "id" = ?`,
    [JSON.stringify({ entities, residue: 0 }), id],
  );
  return (await readErasures(em, ctx, 'e."id" = ?', [id]))[0]!;
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import { execute } from '../../sql/transaction.js';
import { addErasures } from './describe-erasure.js';
import { erasePerson } from './erase-person.js';
import { erasureTable, readErasures, type StoredErasure } from './erasure-store.js';
import { callErasureHooks } from './hooks/erasure-hooks.js';
import { fingerprintOf, type PersonValue } from './ledger/fingerprint.js';
import { readPerson } from './ledger/read-person.js';
import { takeTurn } from './take-turn.js';
import { findUnchanged } from './search/find-unchanged.js';

/** An erasure with how many rows the last run of it has changed or removed. @internal */
export interface CarriedOutErasure extends StoredErasure {
  readonly changed: number;
  /** Whether the person's own row is held or kept, and stays as it is. */
  readonly stays: boolean;
}

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
  { context, hasLedger = false }: { readonly context: DeletionContext; readonly hasLedger?: boolean },
): Promise<CarriedOutErasure> {
  await takeTurn(em, ctx);
  await execute(em, ctx, `select 1 from ${erasureTable(em)} where "id" = ? for update`, [id]);
  const [stored] = await readErasures(em, ctx, 'e."id" = ?', [id]);
  const { key, outcome: earlier, certificate, cells: known, fingerprint } = stored!;
  requireOpen(stored!);
  const wasCompleted = earlier === 'completed';
  let values: PersonValue[] = [];
  const done = await erasePerson(em, ctx, subject, key, {
    context,
    before: async (rows, acting) => {
      const persons = fingerprint ? [] : acting.filter((row) => rows.persons.includes(row));
      values = persons.length > 0 ? await readPerson(em, ctx, persons) : values;
      const isCalled = await callErasureHooks(em, ctx, acting, context);
      const [now] = await readErasures(em, ctx, 'e."id" = ?', [id]);
      requireOpen(now!);
      if (stateOfRun(now!) !== stateOfRun(stored!)) {
        throw new SoftDeleteConfigError(
          '@OnErase()',
          `a handler has erased the same ${subject.className}, and its rows would count twice.`,
          'Leave these rows to the erasure that calls the handler.',
        );
      }
      return isCalled;
    },
  });
  if (!done) {
    return { ...(await finishGone(em, ctx, stored!)), changed: 0, stays: false };
  }
  const cells = [...done.cells, ...(await findUnchanged(em, ctx, known, done.cells))];
  const late = wasCompleted ? done.changed : 0;
  const residue = done.pendingColumns + cells.length + late;
  const isConfirmed = wasCompleted && late === 0;
  await write(
    em,
    ctx,
    id,
    {
      outcome: residue === 0 && !done.isPending ? 'completed' : 'partial',
      certificate: { entities: addErasures(certificate?.entities ?? [], done.entities), residue },
      cells,
      ...(!fingerprint && done.erasesPerson
        ? { fingerprint: await fingerprintOf(values), ...(hasLedger ? { ledger: 'owed' } : {}) }
        : {}),
    },
    isConfirmed ? '"checked_at" = clock_timestamp()' : '"finished_at" = clock_timestamp(), "checked_at" = null',
  );
  const [written] = await readErasures(em, ctx, 'e."id" = ?', [id]);
  return { ...written!, changed: done.changed, stays: done.isThere && !done.erasesPerson };
}

/** @throws SoftDeleteConfigError if it was withdrawn since somebody asked for it, or by a handler */
function requireOpen({ id, withdrawnAt }: StoredErasure): void {
  if (withdrawnAt) {
    throw new SoftDeleteConfigError(
      'ErasureService.withdraw()',
      `the erasure ${id} was withdrawn before it was done, so nothing is erased.`,
      'Ask for it again. A handler of @OnErase() that wants to prevent an erasure throws.',
    );
  }
}

function stateOfRun({ finishedAt, checkedAt, certificate }: StoredErasure): string {
  return JSON.stringify([finishedAt, checkedAt, certificate]);
}

const JSON_COLUMNS = ['certificate', 'cells', 'fingerprint'];

async function write(
  em: EntityManager,
  ctx: Transaction,
  id: number,
  values: Readonly<Record<string, unknown>>,
  more?: string,
): Promise<void> {
  const isJson = (name: string) => JSON_COLUMNS.includes(name);
  const assignments = Object.keys(values).map((name) => `"${name}" = ${isJson(name) ? 'cast(? as jsonb)' : '?'}`);
  await execute(
    em,
    ctx,
    `update ${erasureTable(em)} set ${[...assignments, ...(more ? [more] : [])].join(', ')} where "id" = ?`,
    [...Object.entries(values).map(([name, value]) => (isJson(name) ? JSON.stringify(value) : value)), id],
  );
}

/** The row went by other means, or by an earlier run: nothing of it can be left. */
async function finishGone(em: EntityManager, ctx: Transaction, { id, certificate, outcome }: StoredErasure) {
  const entities = (certificate?.entities ?? []).map((entity) => ({ ...entity, kept: [], held: [] }));
  const finished = outcome === 'completed' ? '' : '"finished_at" = clock_timestamp(), ';
  const values = { outcome: 'completed', certificate: { entities, residue: 0 }, cells: [] };
  await write(em, ctx, id, values, `${finished}"checked_at" = clock_timestamp()`);
  return (await readErasures(em, ctx, 'e."id" = ?', [id]))[0]!;
}

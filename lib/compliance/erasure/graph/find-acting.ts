import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { rowName } from '../../../archive/removal/collected-rows.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import type { RowKey } from '../../../sql/row-set.js';
import { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import { collectPersonalRows } from './collect-personal-rows.js';
import { findHeld, type HeldRows } from './find-held.js';
import { findKept } from './find-kept.js';
import type { PersonalRow, PersonalRows } from './personal-rows.js';

/** How often handlers may bring rows about that none of them has seen. */
const MOST_ROUNDS = 32;

/**
 * What is called before anything is erased.
 *
 * @param acting - the rows that are going to be erased and that it has not been told of
 * @returns whether it may have changed what there is to erase
 * @internal
 */
export type BeforeErasure = (rows: PersonalRows, acting: readonly PersonalRow[]) => Promise<boolean>;

interface FoundRows {
  readonly rows: PersonalRows;
  /** Those that are neither kept nor held. */
  readonly acting: readonly PersonalRow[];
  readonly held: HeldRows;
}

/**
 * A person's rows, and which of them are to be erased. They are looked for again after handlers, which may have erased, removed, archived
 * or added some, or placed a hold.
 *
 * @returns nothing if there is no such person, and nothing left of one
 * @throws SoftDeleteConfigError if handlers have removed the person, or add rows without end
 * @internal
 */
export async function findActing(
  em: EntityManager,
  ctx: Transaction,
  subject: EntityMetadata,
  key: RowKey,
  before: BeforeErasure | undefined,
): Promise<FoundRows | undefined> {
  const told = new Set<string>();
  let wasThere: boolean | undefined;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const rows = await collectPersonalRows(em, ctx, PersonalDataCatalog.of(em), subject, key);
    const isThere = rows !== undefined && rows.persons.length > 0;
    wasThere ??= isThere;
    if (wasThere && !isThere) {
      throw refusal(`a handler has removed the ${subject.className} itself.`);
    }
    if (!rows) {
      return undefined;
    }
    await findKept(em, ctx, rows);
    const held = await findHeld(em, ctx, rows);
    const acting = rows.declared().filter((row) => !row.stays);
    const names = new Map(acting.map((row) => [row, rowName(row.root, row.key)]));
    const fresh = acting.filter((row) => !told.has(names.get(row)!));
    if (!before || (round > 0 && fresh.length === 0) || !(await before(rows, fresh))) {
      return { rows, acting, held };
    }
    names.forEach((name) => told.add(name));
  }
  throw refusal('handlers have added rows of the person without end.');
}

function refusal(problem: string): SoftDeleteConfigError {
  return new SoftDeleteConfigError('@OnErase()', problem, 'Leave these rows to the erasure that calls the handler.');
}

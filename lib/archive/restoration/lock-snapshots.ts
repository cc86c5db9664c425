import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { getInstallation } from '../../installation/installation.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { filterSql } from '../../sql/filter-sql.js';
import { arrayText } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import type { Snapshot } from './snapshot-set.js';

/** The time of a unit to the microsecond, of rows `a` of the archive. @internal */
export const UNIT_TEXT = unitTextSql('a."unit"', 'timestamptz');

/** A row and the unit that it was deleted in. @internal */
export interface UnitMember {
  readonly name: string;
  readonly unit: string;
}

/**
 * Locks the rows of the archive that meet a condition. One that another restoration, or the purge, is about to take is waited for, and
 * left out once it is gone.
 *
 * @param condition - on rows `a`
 * @param from - further tables that the condition looks at
 * @internal
 */
export function lockSnapshots(
  em: EntityManager,
  ctx: Transaction,
  condition: string,
  params: readonly unknown[],
  from = '',
): Promise<Snapshot[]> {
  return execute<Snapshot & Record<string, unknown>>(
    em,
    ctx,
    `select a."part", a."key", ${UNIT_TEXT} as "unit", a."links" from ${archiveTable(em)} as a${from} ` +
      `where ${condition} order by a."part", a."key", a."unit" for update of a`,
    params,
  );
}

/** Locks what rows took along, each in its own unit. @internal */
export async function lockOwned(
  em: EntityManager,
  ctx: Transaction,
  members: readonly UnitMember[],
): Promise<Snapshot[]> {
  if (members.length === 0) {
    return [];
  }
  const units = [...new Set(members.map(({ unit }) => unit))];
  return lockSnapshots(
    em,
    ctx,
    `a."entity" = any(cast(? as text[])) and a."unit" = any(cast(? as timestamptz[])) and exists (` +
      `select from unnest(a."owners") as o("name") where ${isMemberSql('o."name"')})`,
    [
      arrayText(archivedNames(em)),
      arrayText(units),
      arrayText(members.map(({ name }) => name)),
      arrayText(members.map(({ unit }) => unit)),
    ],
  );
}

/** Locks the rows that took soft-deleted ones along, each in its own unit. @internal */
export async function lockOwners(
  em: EntityManager,
  ctx: Transaction,
  { className }: EntityMetadata,
  members: readonly UnitMember[],
): Promise<Snapshot[]> {
  const units = [...new Set(members.map(({ unit }) => unit))];
  return lockSnapshots(
    em,
    ctx,
    `a."entity" = any(cast(? as text[])) and a."unit" = any(cast(? as timestamptz[])) and exists (` +
      `select from jsonb_array_elements(a."links") as l("link") where l."link" ->> 'entity' = ? ` +
      `and ${isMemberSql(`l."link" ->> 'id'`)})`,
    [
      arrayText(archivedNames(em)),
      arrayText(units),
      className,
      arrayText(members.map(({ name }) => name)),
      arrayText(members.map(({ unit }) => unit)),
    ],
  );
}

/** Looked up in a hash table: joined, all members would be gone through again for each row of the archive. */
function isMemberSql(name: string): string {
  return filterSql(
    `(${name}, a."unit") in (select m."name", cast(m."unit" as timestamptz) ` +
      `from unnest(cast(? as text[]), cast(? as text[])) as m("name", "unit"))`,
  );
}

function archivedNames(em: EntityManager): string[] {
  return getInstallation(em)
    .catalog.allArchived()
    .map(({ name }) => name);
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { rowName } from '../../../archive/removal/collected-rows.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import { arrayText, lockBehind, RowSet } from '../../../sql/row-set.js';
import { execute } from '../../../sql/transaction.js';
import type { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import type { PersonalRows } from '../graph/personal-rows.js';
import { amongArchived } from '../overwriting/erase-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import type { OldValues } from './old-values.js';
import type { ResidualCell } from './residual-cell.js';
import { searchTables } from './search-tables.js';
import { ARCHIVED_CELLS_SQL } from './archived-cells-sql.js';
import { hashSql, textsSql } from './text-sql.js';
import { matchesSql, NAMED_SIGNATURES_SQL } from './matches-sql.js';

interface SearchContext {
  readonly catalog: SoftDeleteCatalog;
  readonly personal: PersonalDataCatalog;
  /** Rows that are gone, of which nothing is left to search. */
  readonly going: RowSet;
}

/**
 * Looks for old values in every column that can hold text: of the rows that belong to the person, and of those behind them of which no
 * declaration speaks.
 *
 * @param scrubs - statements that name the values' signatures, and are run with the search
 * @internal
 */
export async function findResidue(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  values: OldValues,
  { catalog, personal, going, scrubs = [] }: SearchContext & { readonly scrubs?: readonly SqlFragment[] },
): Promise<ResidualCell[]> {
  const searched = await searchedRows(em, ctx, rows, { catalog, personal, going });
  const found = await searchTables(em, ctx, searched, values, scrubs);
  return [...found, ...(await searchArchive(em, ctx, rows, values))];
}

/** The person's rows in tables, and plain rows behind them, which have no way to a person declared. */
async function searchedRows(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  { catalog: { graph }, personal, going }: SearchContext,
): Promise<RowSet> {
  const searched = new RowSet();
  const left = rows.all().filter(({ root, key, isLive }) => isLive && !going.has(root, key));
  let level = new Map<EntityMetadata, (readonly string[])[]>(
    [...Map.groupBy(left, ({ root }) => root)].map(([root, group]) => [root, group.map(({ key }) => key)]),
  );
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      const added = await searched.add(root, keys);
      for (const relation of added.length > 0 ? graph.from(root) : []) {
        if (relation.link.kind === 'child-key' && personal.of(relation.child).length === 0) {
          const behind = (await lockBehind(em, ctx, relation, added)).map(({ key }) => key);
          next.set(relation.child.root, [...(next.get(relation.child.root) ?? []), ...behind]);
        }
      }
    }
    level = new Map([...next].filter(([, keys]) => keys.length > 0));
  }
  return searched;
}

/** What rows of the archive hold: the person's own, and those that went along with one of them. */
async function searchArchive(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  values: OldValues,
): Promise<ResidualCell[]> {
  const archived = rows.all().filter(({ isLive }) => !isLive);
  if (archived.length === 0) {
    return [];
  }
  const names = archived.map(({ root, key }) => rowName(root, key));
  const matches = matchesSql('t.value', values);
  const found = await execute<{ entity: string; key: string; unit: string; column: string; hash: string }>(
    em,
    ctx,
    `with ${NAMED_SIGNATURES_SQL} select a."part" as entity, a."key" as key, ${UNIT_TEXT} as unit, v.name as column, ${hashSql('v.value')} as hash ` +
      `from ${archiveTable(em)} as a cross join ${ARCHIVED_CELLS_SQL} as v ` +
      `where (${AMONG_SNAPSHOTS} or a."owners" && cast(? as text[])) ` +
      `and exists (select from (select v.value union all ${textsSql('v.document')}) as t (value) where ${matches.sql})`,
    [...amongArchived(archived), arrayText(names), ...matches.params],
  );
  return found.map((cell) => {
    const root = archived.find((row) =>
      tablesOf(em.getMetadata(), row.root).some((table) => partOf(table) === cell.entity),
    )?.root;
    return { ...cell, root: root?.className ?? cell.entity, key: root ? rowKeyOf(root, cell.key) : [cell.key] };
  });
}

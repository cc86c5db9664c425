import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import type { SnapshotSet } from './snapshot-set.js';
import { FormerColumns } from '../snapshot/former-columns.js';
import type { TableColumn } from '../../postgres/table-shape.js';

/** Archived rows of one table with the same columns, and the columns that they go to. @internal */
export interface MatchedRows {
  readonly part: string;
  readonly meta: EntityMetadata;
  /** The types that the rows were archived with. */
  readonly columnTypes: string;
  readonly names: readonly string[];
  /** The column that each value goes to, by the column it came from. */
  readonly targets: ReadonlyMap<string, TableColumn>;
}

/** A column that keeps rows from coming back. @internal */
export interface ColumnMismatch {
  readonly part: string;
  readonly column: string;
  /** A row that it concerns, if one is known. */
  readonly key: string | undefined;
}

/**
 * Compares the columns that rows were archived with to those of their tables today.
 *
 * @internal
 */
export async function matchColumns(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  snapshots: SnapshotSet,
  shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]>,
): Promise<{ matched: MatchedRows[]; mismatches: ColumnMismatch[] }> {
  const matched: MatchedRows[] = [];
  const mismatches: ColumnMismatch[] = [];
  for (const part of snapshots.parts()) {
    const { sql, params } = snapshots.condition(part);
    const groups = await execute<{ columnTypes: string; names: string[]; key: string }>(
      em,
      ctx,
      `select a."types" as "columnTypes", (select array_agg(o."name" order by o."n") from jsonb_object_keys(a."data") with ordinality as o("name", "n")) as names, ` +
        `min(a."key") as key from ${archiveTable(em)} as a where ${sql} group by 1, 2`,
      params,
    );
    const meta = snapshots.metaOf(part);
    const columns = meta && shapes.get(meta);
    for (const { columnTypes, names, key } of groups) {
      if (!meta || !columns || columns.length === 0) {
        mismatches.push({ part, column: '*', key });
        continue;
      }
      const { targets, unmatched } = match(catalog, meta, columns, names, columnTypes.split('\n'));
      mismatches.push(...unmatched.map((column) => ({ part, column, key })));
      matched.push({ part, meta, columnTypes, names, targets });
    }
  }
  return { matched, mismatches };
}

function match(
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  columns: readonly TableColumn[],
  names: readonly string[],
  types: readonly string[],
): { targets: Map<string, TableColumn>; unmatched: string[] } {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const former = new FormerColumns(catalog, meta, new Set(byName.keys()));
  const own = new Set(names);
  const targets = new Map<string, TableColumn>();
  const unmatched: string[] = [];
  names.forEach((name, i) => {
    const column = byName.get(former.currentName(name, own) ?? '');
    if (!column) {
      if (!former.dropped.has(name)) {
        unmatched.push(name);
      }
    } else if (column.isGenerated) {
      // The database writes it again.
    } else if (column.type === types[i]) {
      targets.set(name, column);
    } else if (!former.dropped.has(name)) {
      unmatched.push(name);
    }
  });
  const given = new Set(targets.values());
  const required = columns.filter((column) => column.isRequired && !column.isGenerated && !given.has(column));
  return {
    targets,
    unmatched: [...unmatched, ...required.map(({ name }) => name).filter((name) => !unmatched.includes(name))],
  };
}

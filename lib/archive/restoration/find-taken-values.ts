import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { readUniqueIndexes, type UniqueIndex } from '../../postgres/catalog/read-unique-indexes.js';
import { expectRowsSql } from '../../sql/filter-sql.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { keyTextSql } from '../snapshot/key-text-sql.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import type { SnapshotSet } from './snapshot-set.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';

/**
 * The unique values that archived rows would share with rows of their table, or with each other. A primary key counts as one, but has a
 * reason of its own: another row has taken the row's very place.
 *
 * @internal
 */
export async function findTakenValues(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  snapshots: SnapshotSet,
  shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]>,
): Promise<RestoreConflict[]> {
  const conflicts: RestoreConflict[] = [];
  for (const part of snapshots.parts()) {
    const meta = snapshots.metaOf(part)!;
    for (const unique of await readUniqueIndexes(em, ctx, tableName(em, meta))) {
      const typed = typedColumnsSql(em, catalog, meta, shapes.get(meta)!);
      for (const { key, conflicting, restored } of await findTaken(
        em,
        ctx,
        meta,
        typed,
        unique,
        snapshots.condition(part),
        snapshots.of(part).length,
      )) {
        const properties = propertiesOf(meta, unique.columns);
        conflicts.push({
          reason: unique.isPrimary ? 'key' : 'unique',
          entity: meta.className,
          key: keyFromTexts(em, meta, rowKeyOf(meta, key)),
          constraint: unique.name,
          ...(properties ? { properties } : {}),
          conflictingKey: keyFromTexts(em, meta, rowKeyOf(meta, conflicting)),
          conflictingWith: restored ? 'restored' : 'active',
        });
      }
    }
  }
  return conflicts;
}

/** A name that no column has: an index's expressions name columns without a table. */
const KEY = '"soft-delete:key"';
const ROW = '"soft-delete:row"';

function findTaken(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  typed: string,
  { keys, operators, predicate }: UniqueIndex,
  selected: { sql: string; params: unknown[] },
  rows: number,
): Promise<{ key: string; conflicting: string; restored: boolean }[]> {
  const values = keys.map((key, i) => `${key} as "soft-delete:value${i}"`).join(', ');
  const same = operators
    .map((operator, i) => `r."soft-delete:value${i}" ${operator} x."soft-delete:value${i}"`)
    .join(' and ');
  const active =
    `select r.${KEY} as key, x.${KEY} as conflicting, false as restored from "soft-delete:restored" as r join (` +
    `select ${keyTextSql(em, meta, ROW)} as ${KEY}, ${values} from ${tableName(em, meta)} as ${ROW} where ${predicate}` +
    `) as x on ${same}`;
  const together =
    `select r.${KEY}, x.${KEY}, true from "soft-delete:restored" as r join "soft-delete:restored" as x on ${same} ` +
    `where r.${KEY} < x.${KEY}`;
  return execute(
    em,
    ctx,
    `with "soft-delete:restored" as materialized (select ${KEY}, ${values} from (` +
      `select a."key" as ${KEY}, c.* from ${archiveTable(em)} as a cross join lateral (select ${typed}) as c ` +
      `where ${selected.sql}) as ${ROW} where ${predicate}${expectRowsSql(rows, keys.length + 1)}) ` +
      `${active} union all ${together}`,
    selected.params,
  );
}

/** The properties of plain columns; nothing if one of the values is an expression. */
function propertiesOf(meta: EntityMetadata, columns: readonly (string | null)[]): string[] | undefined {
  const properties = columns.map((column) => {
    const props = meta.props.filter(({ fieldNames }) => column !== null && fieldNames?.includes(column));
    return (props.find(({ fieldNames }) => fieldNames.length === 1) ?? props[0])?.name ?? column;
  });
  return properties.includes(null) ? undefined : (properties as string[]);
}

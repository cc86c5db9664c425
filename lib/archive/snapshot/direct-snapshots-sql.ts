import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeletionContext } from '../../events/deletion-context.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { archiveTable } from './archive-table.js';
import { columnTextSql } from './column-text-sql.js';
import { keyTextSql } from './key-text-sql.js';
import { inKeyOrder, schemaOf } from './write-snapshots.js';

/**
 * Moves the rows `c` of a table that meet a condition to the archive. Tells how many they are, and their keys if they are not more than
 * `named`, or that foreign keys have changed, and nothing was moved.
 *
 * @internal
 */
export function directSnapshotsSql(
  em: EntityManager,
  root: EntityMetadata,
  columns: readonly TableColumn[],
  condition: SqlFragment,
  isFresh: SqlFragment,
  unit: UnitTime,
  { actor, reason }: DeletionContext,
  named: number,
): SqlFragment {
  const data = inKeyOrder(columns);
  const texts = data.map((column) => columnTextSql(em, column));
  return {
    // In the order of the index that the most is written to.
    sql:
      `with "soft-delete:fresh" as materialized (select ${isFresh.sql} as "isFresh"), ` +
      `"soft-delete:gone" as (delete from ${tableName(em, root)} as c where (${condition.sql}) and (select "isFresh" from "soft-delete:fresh") ` +
      `returning ${keyTextSql(em, root, 'c')} as "key", jsonb_object(cast(? as text[]), array[${texts.join(', ')}]) as "data"), ` +
      `"soft-delete:kept" as (insert into ${archiveTable(em)} ("part", "key", "unit", "entity", "schema", "data", "types", "actor", "reason") ` +
      `select cast(? as text), g."key", cast(? as timestamptz), cast(? as text), cast(? as text), g."data", cast(? as text), cast(? as text), cast(? as text) ` +
      `from "soft-delete:gone" as g order by g."key") ` +
      `select (select "isFresh" from "soft-delete:fresh"), count(*)::int as count, (select json_agg(g."key") from "soft-delete:gone" as g ` +
      `where (select count(*) from "soft-delete:gone") <= ${named}) as keys from "soft-delete:gone"`,
    params: [
      ...isFresh.params,
      ...condition.params,
      arrayText(data.map(({ name }) => name)),
      root.className,
      unit.text,
      root.className,
      schemaOf(em, root),
      data.map(({ type }) => type).join('\n'),
      actor ?? null,
      reason ?? null,
    ],
  };
}

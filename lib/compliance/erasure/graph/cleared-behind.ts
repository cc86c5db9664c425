import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import type { GraphRelation } from '../../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { arrayText, identify, keyConditionSql, keySql, type RowKey } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { amongArchived } from '../overwriting/erase-snapshots.js';
import type { PersonalRow } from './personal-rows.js';

/** A row behind an archived one. @internal */
export interface ClearedRow {
  readonly key: RowKey;
  /** Of a row that was archived since. */
  readonly unit: string | null;
  readonly parents: readonly PersonalRow[];
}

/**
 * Finds the rows whose keys to archived rows of a person the deletion of these has cleared, and that nobody has given another key since: a
 * restoration would write it again. Those in tables are locked.
 *
 * @internal
 */
export async function clearedBehind(
  em: EntityManager,
  ctx: Transaction,
  { link, parent }: GraphRelation,
  parents: readonly PersonalRow[],
): Promise<ClearedRow[]> {
  const byId = new Map(parents.filter(({ isLive }) => !isLive).map((row) => [row.id, row]));
  if (link.kind !== 'child-key' || byId.size === 0) {
    return [];
  }
  const { table, columns } = link;
  const names = JSON.stringify(columns);
  const linked = await execute<{ key: string; unit: string; id: string }>(
    em,
    ctx,
    `select a."key" as key, ${UNIT_TEXT} as unit, l.link ->> 'id' as id from ${archiveTable(em)} as a ` +
      `cross join jsonb_array_elements(a."links") as l(link) where a."part" = ? and ${AMONG_SNAPSHOTS} ` +
      `and l.link ->> 'entity' = ? and l.link -> 'columns' @> cast(? as jsonb) and l.link -> 'columns' <@ cast(? as jsonb)`,
    [partOf(parent.root), ...amongArchived([...byId.values()]), table.root.className, names, names],
  );
  if (linked.length === 0) {
    return [];
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const keys = linked.map(({ id }) => rowKeyOf(table.root, id));
  const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), tableName(em, table));
  const live = await execute<{ key: string[] }>(
    em,
    ctx,
    `select ${keySql(em, table, 'c')} from ${tableName(em, table)} as c where ${among.sql} ` +
      `and (${columns.map((column) => `c.${quote(column)} is null`).join(' or ')}) for update of c`,
    among.params,
  );
  const former = FormerColumns.mapped(em, table);
  const archived = await execute<{ key: string; unit: string }>(
    em,
    ctx,
    `select a."key" as key, ${UNIT_TEXT} as unit from ${archiveTable(em)} as a where a."part" = ? and a."key" = any(cast(? as text[])) ` +
      `and (${columns.map((column) => `${former.textSql(em, column)} is null`).join(' or ')})`,
    [partOf(table), arrayText(keys.map(identify))],
  );
  const found = [
    ...live.map(({ key }) => ({ key: key as RowKey, unit: null })),
    ...archived.map(({ key, unit }) => ({ key: rowKeyOf(table.root, key), unit })),
  ];
  const byKey = Map.groupBy(linked, ({ id }) => id);
  return found.flatMap(({ key, unit }) => {
    // One that was archived before had the key of another row.
    const owners = byKey.get(identify(key))!.filter((owner) => unit === null || unit > owner.unit);
    const inFront = owners.flatMap(
      (owner) => byId.get(`${identify(rowKeyOf(parent.root, owner.key))}@${owner.unit}`) ?? [],
    );
    return inFront.length > 0 ? [{ key, unit, parents: inFront }] : [];
  });
}

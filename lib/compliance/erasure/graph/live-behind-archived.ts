import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { archivedConditionsSql } from '../../../archive/snapshot/archived-condition-sql.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { typedColumnsSql } from '../../../archive/snapshot/typed-rows-sql.js';
import { schemaOf } from '../../../archive/snapshot/write-snapshots.js';
import type { GraphRelation, RowCondition } from '../../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { readShapes } from '../../../postgres/table-shape.js';
import { unitTextSql } from '../../../sql/deleted-at-sql.js';
import { rowConditionsSql } from '../../../sql/row-condition-sql.js';
import { identify, keyConditionSql, keySql, type RowKey } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { amongArchived } from '../overwriting/erase-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import type { PersonalRow } from './personal-rows.js';

/** A key between rows in the archive and rows in their table, by values that both hold. */
interface Key {
  readonly archived: EntityMetadata;
  readonly archivedColumns: readonly string[];
  readonly archivedConditions: readonly RowCondition[];
  readonly live: EntityMetadata;
  readonly liveColumns: readonly string[];
  readonly liveConditions: readonly RowCondition[];
}

/** What is behind archived rows. @internal */
export interface BehindArchived {
  /** Rows that are in their table, locked, each with the rows in front of it. */
  readonly live: readonly { readonly key: RowKey; readonly parents: readonly PersonalRow[] }[];
  /** Rows of which nothing behind them is the person's any more: somebody else holds the same key now, or did so after them. */
  readonly surpassed: ReadonlySet<PersonalRow>;
  /** Rows that hold the same key as others that were archived at the same time, with one of these. */
  readonly shared: ReadonlyMap<PersonalRow, string>;
}

/**
 * Finds the rows in tables that only archived rows of a person lead to: the archived one holds their key, or they hold the archived one's and
 * no foreign key keeps them from it. Where a row of somebody else has the same value, active or deleted, or was archived later with it, what
 * is behind is theirs.
 *
 * @param parents - all rows in front that belong to the person
 * @internal
 */
export async function liveBehindArchived(
  em: EntityManager,
  ctx: Transaction,
  relation: GraphRelation,
  parents: readonly PersonalRow[],
): Promise<BehindArchived> {
  const key = keyOf(relation);
  const archived = parents.filter(({ isLive }) => !isLive);
  if (!key || archived.length === 0) {
    return { live: [], surpassed: new Set(), shared: new Map() };
  }
  const typed = typedColumnsSql(
    em,
    SoftDeleteCatalog.of(em),
    key.archived,
    (await readShapes(em, ctx, [key.archived])).get(key.archived)!,
  );
  const byId = new Map(archived.map((row) => [row.id, row]));
  const found = await lockLive(em, ctx, key, typed, archived);
  // In a statement of its own: whoever was about to take the key over had to wait for the lock, or is seen now.
  const { surpassed, shared } = await findOthers(em, ctx, key, typed, parents);
  const own = (rows: ReadonlySet<string>) => new Set([...rows].flatMap((id) => byId.get(id) ?? []));
  const live = new Map<string, { key: RowKey; parents: PersonalRow[] }>();
  for (const { key: of, holder } of found.filter((row) => !surpassed.has(row.holder))) {
    const row = live.get(identify(of)) ?? { key: of, parents: [] };
    row.parents.push(byId.get(holder)!);
    live.set(identify(of), row);
  }
  return {
    live: [...live.values()],
    surpassed: own(surpassed),
    shared: new Map([...shared].flatMap(([id, name]) => (byId.has(id) ? [[byId.get(id)!, name] as const] : []))),
  };
}

function keyOf({ link, parent, child, linkConditions, members }: GraphRelation): Key | undefined {
  switch (link.kind) {
    case 'parent-key':
      return {
        archived: link.table,
        archivedColumns: link.columns,
        archivedConditions: [...linkConditions, ...members.parent],
        live: child.root,
        liveColumns: link.referenced,
        liveConditions: members.child,
      };
    case 'child-key':
      return {
        archived: parent.root,
        archivedColumns: link.referenced,
        archivedConditions: members.parent,
        live: link.table,
        liveColumns: link.columns,
        liveConditions: [...linkConditions, ...members.child],
      };
    case 'pivot':
      return undefined;
  }
}

const ID_SQL = `a."key" as key, ${UNIT_TEXT} as unit`;

/** As `PersonalRow` has it. */
function idOf({ root }: EntityMetadata, { key, unit }: { key: string; unit: string }): string {
  return `${identify(rowKeyOf(root, key))}@${unit}`;
}

async function lockLive(
  em: EntityManager,
  ctx: Transaction,
  key: Key,
  typed: string,
  archived: readonly PersonalRow[],
): Promise<{ key: RowKey; holder: string }[]> {
  const conditions = [
    ...archivedConditionsSql(em, key.archived, key.archivedConditions),
    rowConditionsSql(em, key.live, 'l', key.liveConditions),
  ];
  const rows = await execute<{ own: string[]; key: string; unit: string }>(
    em,
    ctx,
    `select ${keySql(em, key.live, 'l', 'own')}, ${ID_SQL} from ${archiveTable(em)} as a ` +
      `cross join lateral (select ${typed}) as c, ${tableName(em, key.live)} as l ` +
      `where a."part" = ? and a."schema" = ? and ${AMONG_SNAPSHOTS} and ${sameSql(em, 'l', key.liveColumns, key)} and ` +
      `${conditions.map(({ sql }) => sql).join(' and ')} for update of l`,
    [
      partOf(key.archived),
      schemaOf(em, key.archived),
      ...amongArchived(archived),
      ...conditions.flatMap(({ params }) => params),
    ],
  );
  return rows.map((row) => ({ key: row.own, holder: idOf(key.archived, row) }));
}

/** The archived rows whose value others have as well. */
async function findOthers(
  em: EntityManager,
  ctx: Transaction,
  key: Key,
  typed: string,
  parents: readonly PersonalRow[],
): Promise<{ surpassed: Set<string>; shared: Map<string, string> }> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const archived = parents.filter(({ isLive }) => !isLive);
  const live = parents.filter(({ isLive }) => isLive).map((row) => row.key);
  const table = tableName(em, key.archived);
  const own = keyConditionSql(em, key.archived, 'o', live, primaryColumns(key.archived), table);
  // What stands on the row itself; of a class somebody else's row may be any.
  const conditions = key.archivedConditions.filter((each) => 'column' in each);
  const alike = rowConditionsSql(em, key.archived, 'o', conditions);
  const same = key.archivedColumns.map((column) => `o.${quote(column)} = h.${quote(column)}`).join(' and ');
  const snapshots = (among: string) =>
    `(select a."key" as ${KEY}, a."unit" as ${UNIT}, c.* from ${archiveTable(em)} as a ` +
    `cross join lateral (select ${typed}) as c where a."part" = ? and a."schema" = ? and ${among})`;
  const ofPart = [partOf(key.archived), schemaOf(em, key.archived), ...amongArchived(archived)];
  const rows = await execute<{ key: string; unit: string; isTaken: boolean; isLater: boolean; shared: string | null }>(
    em,
    ctx,
    `select h.${KEY} as key, ${unitTextSql(`h.${UNIT}`, 'timestamptz')} as unit, ` +
      `exists (select from ${table} as o where ${same} and ${alike.sql} and not (${own.sql})) as "isTaken", ` +
      `coalesce(max(o.${UNIT}) > h.${UNIT}, false) as "isLater", min(o.${KEY}) filter (where o.${UNIT} = h.${UNIT}) as shared ` +
      `from ${snapshots(AMONG_SNAPSHOTS)} as h left join ${snapshots(`not ${AMONG_SNAPSHOTS}`)} as o on ${same} and ${alike.sql} ` +
      `group by h.${KEY}, h.${UNIT}, ${key.archivedColumns.map((column) => `h.${quote(column)}`).join(', ')}`,
    [...alike.params, ...own.params, ...ofPart, ...ofPart, ...alike.params],
  );
  const surpassed = rows.filter(({ isTaken, isLater }) => isTaken || isLater).map((row) => idOf(key.archived, row));
  const shared = rows.flatMap((row) => (row.shared === null ? [] : [[idOf(key.archived, row), row.shared] as const]));
  return { surpassed: new Set(surpassed), shared: new Map(shared) };
}

/** Names that no column has. */
const KEY = '"soft-delete:key"';
const UNIT = '"soft-delete:unit"';

function sameSql(em: EntityManager, alias: string, columns: readonly string[], { archivedColumns }: Key): string {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return columns.map((column, i) => `${alias}.${quote(column)} = c.${quote(archivedColumns[i]!)}`).join(' and ');
}

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../../errors/deletion-restriction.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import { activePredicateSql } from '../../metadata/active-predicate.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { refuses } from '../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { identify, keyConditionSql, keySql, lockBehind } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import type { ArchivedLink } from '../snapshot/archived-link.js';
import { type CollectedRows, rowName } from './collected-rows.js';
import { type IncomingKey, readIncomingKeys } from '../../postgres/catalog/read-incoming-keys.js';

/** What points at collected rows and is not collected itself. @internal */
export interface References {
  readonly restrictions: readonly DeletionRestriction[];
  /** Rows whose keys are about to be cleared, by the name of the row that they point at. */
  readonly links: ReadonlyMap<string, readonly ArchivedLink[]>;
  /** By their table, the keys that reach rows which a policy may hide. */
  readonly guarded: ReadonlyMap<string, IncomingKey>;
}

/**
 * Finds what stays behind and points at rows that are about to be archived: members of `restrict` relations and rows that the database
 * would refuse to leave alone restrict, rows whose keys it clears are remembered.
 *
 * @internal
 */
export async function findReferences(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  collected: CollectedRows,
): Promise<References> {
  const restrictions = await findRestricting(em, ctx, catalog, collected);
  const links = new Map<string, ArchivedLink[]>();
  const guarded = new Map<string, IncomingKey>();
  if (restrictions.length > 0) {
    return { restrictions, links, guarded };
  }
  for (const key of await readKeys(em, ctx, catalog, collected)) {
    if (key.written !== null) {
      guarded.set(key.table, key);
    }
    if (key.entity?.pivotTable) {
      continue;
    }
    const found = await findPointing(em, ctx, collected, key);
    if (found.length > 0 && !(key.clears && key.primary.length > 0)) {
      restrictions.push({ relation: key.name, entity: key.entity?.className ?? key.table, count: found.length });
    }
    for (const { owner, primary, key: id } of found) {
      const name = rowName(key.target, owner);
      const { table, columns, referenced } = key;
      const link = {
        table,
        columns,
        referenced,
        key: Object.fromEntries(key.primary.map((column, i) => [column, primary[i]!])),
        ...(id && key.entity ? { entity: key.entity.root.className, id: identify(id) } : {}),
      };
      links.set(name, [...(links.get(name) ?? []), link]);
    }
  }
  return { restrictions, links, guarded };
}

function readKeys(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  { rows }: CollectedRows,
): Promise<IncomingKey[]> {
  const roots = rows.entities().filter(({ pivotTable }) => !pivotTable);
  const tables = roots.flatMap((root) => tablesOf(em.getMetadata(), root));
  return readIncomingKeys(em, ctx, catalog, tables, () => true);
}

/**
 * Rows that the database has removed, or whose keys it has cleared, though a policy hides them from everybody who could have archived them:
 * foreign keys pass row-level security.
 *
 * @internal
 */
export async function findHidden(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  collected: CollectedRows,
  { links, guarded }: References,
): Promise<DeletionRestriction[]> {
  if (guarded.size === 0) {
    return [];
  }
  const cleared = [...links.values()].flat();
  const after = new Map((await readKeys(em, ctx, catalog, collected)).map((key) => [key.table, key]));
  return [...guarded].flatMap(([table, { entity, written }]) => {
    const own = (entity ? collected.rows.count(entity) : 0) + cleared.filter((link) => link.table === table).length;
    const count = after.get(table)!.written! - written! - own;
    return count > 0 ? [{ relation: `row-level security of ${table}`, entity: entity?.className ?? table, count }] : [];
  });
}

async function findRestricting(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  { rows }: CollectedRows,
): Promise<DeletionRestriction[]> {
  const restrictions: DeletionRestriction[] = [];
  for (const root of rows.entities()) {
    for (const relation of catalog.graph.from(root)) {
      if (!refuses(relation)) {
        continue;
      }
      const entry = catalog.find(relation.child);
      const column = entry && em.getPlatform().quoteIdentifier(entry.column);
      const behind = await lockBehind(
        em,
        ctx,
        relation,
        rows.keys(root),
        column ? [activePredicateSql(`c.${column}`)] : [],
      );
      const staying = new Set(
        behind.filter(({ key }) => !rows.has(relation.child, key)).map(({ key }) => identify(key)),
      );
      if (staying.size > 0) {
        restrictions.push({ relation: relation.name, entity: relation.child.className, count: staying.size });
      }
    }
  }
  return restrictions;
}

/** The rows that hold the key of a collected row, and are not collected. */
async function findPointing(
  em: EntityManager,
  ctx: Transaction,
  { rows }: CollectedRows,
  { entity, target, table, columns, referenced, primary }: IncomingKey,
): Promise<{ owner: string[]; primary: string[]; key?: string[] }[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const among = keyConditionSql(em, target, 'p', rows.keys(target), primaryColumns(target), tableName(em, target));
  const going = entity ? rows.keys(entity) : [];
  const others =
    entity && going.length > 0
      ? keyConditionSql(em, entity, 'c', going, primaryColumns(entity), tableName(em, entity))
      : undefined;
  const same = columns.map((column, i) => `c.${quote(column)} = p.${quote(referenced[i]!)}`);
  const isRoot = entity && entity.root === entity;
  return execute(
    em,
    ctx,
    `select ${keySql(em, target, 'p', 'owner')}, array[${primary.map((column) => `c.${quote(column)}::text`).join(', ')}]::text[] as primary` +
      `${isRoot ? `, ${keySql(em, entity, 'c')}` : ''} ` +
      `from ${table} as c join ${tableName(em, target)} as p on ${same.join(' and ')} ` +
      `where ${[among.sql, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    [...among.params, ...(others?.params ?? [])],
  );
}

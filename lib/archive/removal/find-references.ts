import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../../errors/deletion-restricted.error.js';
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
  if (restrictions.length > 0) {
    return { restrictions, links };
  }
  const roots = collected.rows.entities().filter(({ pivotTable }) => !pivotTable);
  const tables = roots.flatMap((root) => tablesOf(em.getMetadata(), root));
  for (const key of await readIncomingKeys(em, ctx, catalog, tables)) {
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
  return { restrictions, links };
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

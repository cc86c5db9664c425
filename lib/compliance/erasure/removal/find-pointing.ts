import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { type IncomingKey, readIncomingKeys } from '../../../postgres/catalog/read-incoming-keys.js';
import { inChunks, keyConditionSql, keySql, lockBehind, type RowKey, type RowSet } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';

/** A row that stays and holds the key of one that is to go. @internal */
export interface PointingRow {
  /** The relation, as `Entity.property`, or the foreign key. */
  readonly relation: string;
  readonly target: EntityMetadata;
  readonly targetKey: RowKey;
  /** The root of its hierarchy and its key, if the ORM maps it. */
  readonly root: EntityMetadata | undefined;
  readonly key: RowKey | undefined;
  /** The quoted table with the key, and its columns. */
  readonly table: string;
  readonly holder: EntityMetadata | undefined;
  readonly columns: readonly string[];
  /** Those that are set to null to clear the key; nothing if none may be. */
  readonly clearable: readonly string[];
  /** Whether the database clears the key by itself. */
  readonly isCleared: boolean;
}

/**
 * Every row outside of a set that points at one in it, by a foreign key or by a relation without one. They are locked.
 *
 * @param isEntity - whether rows of a pivot table are more than a link between others
 * @internal
 */
export async function findPointing(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  going: RowSet,
  isEntity: (pivot: EntityMetadata) => boolean,
): Promise<PointingRow[]> {
  const found: PointingRow[] = [];
  for (const root of going.entities()) {
    const keys = await readIncomingKeys(em, ctx, catalog, tablesOf(em.getMetadata(), root), isEntity);
    for (const key of keys) {
      found.push(...(await throughForeignKey(em, ctx, key, going)));
    }
    for (const relation of catalog.graph.from(root)) {
      const { link } = relation;
      if (link.kind !== 'child-key' || link.table.pivotTable || keys.some((key) => isSame(key, link))) {
        continue;
      }
      const every = { ...relation, members: { parent: [], child: [] }, except: [] };
      const behind = await lockBehind(em, ctx, every, going.keys(root));
      for (const { key, parent } of behind.filter((row) => !going.has(relation.child, row.key))) {
        found.push({
          relation: `${relation.child.className}.${link.property}`,
          target: root,
          targetKey: parent,
          root: relation.child.root,
          key,
          table: tableName(em, link.table),
          holder: link.table,
          columns: link.columns,
          clearable: clearableOf(link.table, link.columns),
          isCleared: false,
        });
      }
    }
  }
  return found;
}

function isSame(
  key: IncomingKey,
  link: { readonly table: EntityMetadata; readonly columns: readonly string[] },
): boolean {
  return (
    key.entity?.tableName === link.table.tableName &&
    key.columns.length === link.columns.length &&
    key.columns.every((column) => link.columns.includes(column))
  );
}

async function throughForeignKey(
  em: EntityManager,
  ctx: Transaction,
  incoming: IncomingKey,
  going: RowSet,
): Promise<PointingRow[]> {
  const { entity, target, table, columns, referenced, clears, name } = incoming;
  const quote = (column: string) => em.getPlatform().quoteIdentifier(column);
  const same = columns.map((column, i) => `c.${quote(column)} = p.${quote(referenced[i]!)}`);
  const found: PointingRow[] = [];
  await inChunks(going.keys(target), async (chunk) => {
    const among = keyConditionSql(em, target, 'p', chunk, primaryColumns(target), tableName(em, target));
    const rows = await execute<{ owner: string[]; key?: string[] }>(
      em,
      ctx,
      `select ${keySql(em, target, 'p', 'owner')}${entity ? `, ${keySql(em, entity, 'c')}` : ''} ` +
        `from ${table} as c join ${tableName(em, target)} as p on ${same.join(' and ')} where ${among.sql} for update of c`,
      among.params,
    );
    for (const { owner, key } of rows.filter((row) => !(entity && row.key && going.has(entity, row.key)))) {
      found.push({
        relation: name,
        target: target.root,
        targetKey: owner,
        root: entity?.root,
        key,
        table,
        holder: entity,
        columns,
        clearable: clearableOf(entity, columns),
        isCleared: clears,
      });
    }
  });
  return found;
}

/**
 * A key with one column that is null points at nothing. A column that belongs to another property as well, such as a tenant's, stays as it
 * is where another one will do. Of a table that the ORM does not map nobody can say.
 */
function clearableOf(entity: EntityMetadata | undefined, columns: readonly string[]): readonly string[] {
  const holding = (column: string): EntityProperty[] =>
    entity?.props.filter(({ fieldNames, persist }) => persist !== false && fieldNames?.includes(column)) ?? [];
  const nullable = columns.filter((column) => {
    const props = holding(column);
    return props.length > 0 && props.every((prop) => prop.nullable && !prop.primary);
  });
  const own = nullable.filter((column) => holding(column).length === 1);
  return own.length > 0 ? own : nullable;
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveRestoration, SoftMember } from '../../archive/restoration/archive-restoration.js';
import type { UnitMember } from '../../archive/restoration/lock-snapshots.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { rowName } from '../../archive/removal/collected-rows.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from '../../sql/row-set.js';
import type { RowSelection } from '../../sql/select-rows.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';

/**
 * Follows units back and forth between the rows that stayed in their tables and those in the archive.
 *
 * @param collectUnit - locks deleted rows and those that were deleted with them, below them
 * @internal
 */
export async function completeUnits(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  archive: ArchiveRestoration,
  rows: RowSet,
  collectUnit: (meta: EntityMetadata, asked: RowSelection) => Promise<RowSet>,
): Promise<void> {
  let fresh = new Map(rows.entities().map((root): [EntityMetadata, RowKey[]] => [root, rows.keys(root)]));
  for (;;) {
    const members: UnitMember[] = [];
    for (const [root, keys] of fresh) {
      members.push(...(await unitMembers(em, ctx, catalog, root, keys)));
    }
    const taken = await archive.grow(members);
    fresh = new Map();
    for (const [root, asked] of softSelections(em, catalog, taken)) {
      const found = await collectUnit(root, asked);
      for (const of of found.entities()) {
        const added = await rows.add(of, found.each(of));
        fresh.set(of, [...(fresh.get(of) ?? []), ...added]);
      }
    }
    if (![...fresh.values()].some((keys) => keys.length > 0)) {
      return;
    }
  }
}

/** Soft-deleted rows that may have taken archived ones along, each with its unit. */
async function unitMembers(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  root: EntityMetadata,
  keys: readonly RowKey[],
): Promise<UnitMember[]> {
  const ownsArchived = catalog.graph
    .from(root)
    .some((relation) => takesAlong(relation) && catalog.findArchived(relation.child));
  return ownsArchived ? unitsOf(em, ctx, catalog.get(root), keys, (key) => rowName(root, key)) : [];
}

/** Rows with their units, as the archive writes these. @internal */
export async function unitsOf(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  keys: readonly RowKey[],
  name: (key: RowKey) => string,
): Promise<UnitMember[]> {
  const members: UnitMember[] = [];
  const unit = unitTextSql(`c.${em.getPlatform().quoteIdentifier(entry.column)}`, entry.columnType);
  await inChunks(keys, async (chunk) => {
    const condition = keyConditionSql(em, entry.meta, 'c', chunk);
    const found = await execute<{ key: string[]; unit: string }>(
      em,
      ctx,
      `select ${keySql(em, entry.meta, 'c')}, ${unit} as unit ` +
        `from ${tableName(em, entry.meta)} as c where ${condition.sql}`,
      condition.params,
    );
    members.push(...found.map(({ key, unit }) => ({ name: name(key), unit })));
  });
  return members;
}

/** Rows that an archived one took along, if they are deleted still, and in the same unit. */
function softSelections(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  taken: readonly SoftMember[],
): [EntityMetadata, RowSelection][] {
  return [...Map.groupBy(taken, ({ entity, unit }) => JSON.stringify([entity, unit])).values()].flatMap((group) => {
    const entry = catalog.all().find(({ name }) => name === group[0]!.entity);
    if (!entry) {
      return [];
    }
    const keys = group.map(({ id }) => rowKeyOf(entry.meta, id));
    const among = keyConditionSql(em, entry.meta, 'c', keys);
    const condition = {
      sql: `${among.sql} and c.${em.getPlatform().quoteIdentifier(entry.column)} = cast(? as ${entry.columnType})`,
      params: [...among.params, group[0]!.unit],
    };
    return [[entry.meta, { keys: condition, condition }] satisfies [EntityMetadata, RowSelection]];
  });
}

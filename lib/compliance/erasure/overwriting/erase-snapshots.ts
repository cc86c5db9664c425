import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../../../archive/removal/allowed-removal.js';
import { rowName } from '../../../archive/removal/collected-rows.js';
import { AMONG_SNAPSHOTS, amongSnapshots } from '../../../archive/snapshot/among-snapshots.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { typedColumnsSql } from '../../../archive/snapshot/typed-rows-sql.js';
import { withExactText } from '../../../archive/snapshot/with-exact-text.js';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { readShapes } from '../../../postgres/table-shape.js';
import { PSEUDONYMISE_SETTING } from '../../../sql/guard-setting.js';
import { filterSql } from '../../../sql/filter-sql.js';
import { arrayText, identify, inChunks } from '../../../sql/row-set.js';
import { execute } from '../../../sql/transaction.js';
import { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import type { PersonalField } from '../declaration/personal-data-entity.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import { groupRows } from './group-rows.js';
import { differsSql, replacementSql } from './replacement-sql.js';

/** The parameters of `AMONG_SNAPSHOTS` for archived rows of a person. @internal */
export function amongArchived(rows: readonly Pick<PersonalRow, 'key' | 'unit'>[]): string[] {
  return amongSnapshots(rows.map(({ key, unit }) => ({ key: identify(key), unit: unit! })));
}

/**
 * Puts the replacements in place of the personal values that archived rows hold, and clears what was in columns that have been dropped
 * since.
 *
 * @returns the rows that were changed
 * @internal
 */
export async function overwriteSnapshots(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
): Promise<PersonalRow[]> {
  const archived = rows.filter(({ isLive }) => !isLive);
  const changed = new Set<PersonalRow>();
  if (archived.length === 0) {
    return [];
  }
  const overwrite = async () => {
    for (const { table, fields, rows: group } of groupRows(archived)) {
      const byId = new Map(group.map((row) => [row.id, row]));
      const data = await replacedDataSql(em, ctx, table, fields);
      await inChunks(group, async (chunk) => {
        const among = amongArchived(chunk);
        const written = await execute<{ key: string; unit: string }>(
          em,
          ctx,
          `update ${archiveTable(em)} as a set "data" = ${data.sql} ` +
            `where a."part" = ? and ${AMONG_SNAPSHOTS} and a."data" is distinct from ${data.sql} ` +
            `returning a."key" as key, ${UNIT_TEXT} as unit`,
          [...data.params, partOf(table), ...among, ...data.params],
        );
        for (const { key, unit } of written) {
          changed.add(byId.get(`${identify(rowKeyOf(table.root, key))}@${unit}`)!);
        }
      });
    }
  };
  await withExactText(em, ctx, overwrite, { [PSEUDONYMISE_SETTING]: 'allowed' });
  return [...changed];
}

/** Removes archived rows for good, with what a table-per-type hierarchy has of them in other tables, and their links to others. @internal */
export async function removeSnapshots(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
): Promise<void> {
  for (const [root, archived] of Map.groupBy(
    rows.filter(({ isLive }) => !isLive),
    (row) => row.root,
  )) {
    const parts = arrayText(tablesOf(em.getMetadata(), root).map(partOf));
    const links = arrayText(linksOf(em, root).map(partOf));
    await inChunks(archived, async (chunk) => {
      const names = arrayText(chunk.map(({ key }) => rowName(root, key)));
      const units = arrayText(chunk.map(({ unit }) => unit!));
      await execute(
        em,
        ctx,
        `with ${ALLOW_REMOVAL}, gone as (delete from ${archiveTable(em)} as a where ${IS_ALLOWED} ` +
          `and a."part" = any(cast(? as text[])) and ${AMONG_SNAPSHOTS} returning 1), ` +
          `links as (delete from ${archiveTable(em)} as a where ${IS_ALLOWED} and a."part" = any(cast(? as text[])) ` +
          `and a."unit" = any(cast(? as timestamptz[])) and exists (select from unnest(a."owners") as o(name) where ` +
          filterSql(`(o.name, a."unit") in (select * from unnest(cast(? as text[]), cast(? as timestamptz[])))`) +
          `) returning 1) select ${endRemovalSql(['gone', 'links'])}`,
        [parts, ...amongArchived(chunk), links, units, names, units],
      );
    });
  }
}

/** The pivot tables with links to rows of an entity that are nothing but keys. */
function linksOf(em: EntityManager, root: EntityMetadata): EntityMetadata[] {
  const personal = PersonalDataCatalog.of(em);
  const tables = SoftDeleteCatalog.of(em).graph.edges.flatMap(({ link, parent, child }) =>
    link.kind === 'pivot' && [parent.root, child.root].includes(root) ? [link.table] : [],
  );
  return [...new Set(tables)].filter((table) => personal.of(table).length === 0);
}

/**
 * The values of rows `a` of the archive with their replacements. A row has its columns under the names they had when it was archived.
 *
 * @internal
 */
export async function replacedDataSql(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  fields: readonly PersonalField[],
): Promise<{ sql: string; params: unknown[] }> {
  const catalog = SoftDeleteCatalog.of(em);
  const quote = (text: string) => em.getPlatform().quoteValue(text);
  const former = FormerColumns.mapped(em, table);
  // Only SQL of the user looks at other columns.
  const columns = fields.some(({ value }) => value.kind === 'raw')
    ? (await readShapes(em, ctx, [table])).get(table)!
    : [];
  const row = columns.length > 0 ? ` from (select ${typedColumnsSql(em, catalog, table, columns)}) as c` : '';
  const parts: string[] = [];
  const params: unknown[] = [];
  for (const field of fields) {
    const { sql, params: values } = replacementSql(em, field, 'a."key"');
    for (const name of former.namesOf(field.column)) {
      const kept = `cast(a."data" ->> ${quote(name)} as ${field.type})`;
      const differs = field.readBy && differsSql(em, field, 'a."key"', kept);
      const isToWrite = `${former.isOfSql(em, name, field.column)}${differs ? ` and (select ${differs.sql}${row})` : ''}`;
      parts.push(
        `case when ${isToWrite} then jsonb_build_object(${quote(name)}, (select (${sql})::text${row})) else '{}' end`,
      );
      params.push(...(differs?.params ?? []), ...values);
    }
  }
  for (const name of former.dropped) {
    parts.push(
      `case when jsonb_exists(a."data", ${quote(name)}) then jsonb_build_object(${quote(name)}, null::text) else '{}' end`,
    );
  }
  return { sql: `(a."data" || ${parts.join(' || ')})`, params };
}

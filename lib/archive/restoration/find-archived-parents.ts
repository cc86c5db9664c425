import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { readShapes, type TableColumn } from '../../postgres/table-shape.js';
import { arrayText, primaryColumnTypes, textSql } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { keyOfTextsSql } from '../snapshot/key-text-sql.js';
import { partOf } from '../snapshot/part-of.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';
import { schemaOf } from '../snapshot/write-snapshots.js';
import { UNIT_TEXT } from './lock-snapshots.js';
import { type NeededParent, pointsAtSql } from './needed-parents.js';
import type { RestoredRows } from './restored-rows.js';

/**
 * The archived rows that rows point at, of several with one key the one that was deleted last. They are compared as the database compares
 * them: values that it takes for equal may be written in several ways.
 *
 * @param keys - of the rows that point there
 * @returns by these keys
 * @internal
 */
export async function findArchivedParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  restored: RestoredRows,
  needed: NeededParent,
  keys: readonly string[],
): Promise<Map<string, { parent: string; unit: string }>> {
  const { part, parent } = needed;
  if (!parent || keys.length === 0) {
    return new Map();
  }
  const columns = (await readShapes(em, ctx, [parent])).get(parent)!;
  const rows = restored.rowsSql(part);
  const isParent = keyOfParentSql(em, parent, columns, needed) ?? pointsAtSql(em, 'p', needed);
  const found = await execute<{ key: string; parent: string; unit: string }>(
    em,
    ctx,
    `select distinct on (c.${KEY}) c.${KEY} as key, o."parent", o."unit" from (` +
      `select a."key" as ${KEY}, c.* from ${rows.sql} where ${rows.condition} and a."key" = any(cast(? as text[]))) as c cross join lateral (` +
      `select a."key" as "parent", ${UNIT_TEXT} as "unit" from ${archiveTable(em)} as a ` +
      `cross join lateral (select ${typedColumnsSql(em, catalog, parent, columns)}) as p ` +
      `where a."part" = ? and a."schema" = ? and ${isParent}) as o order by c.${KEY}, o."unit" desc`,
    [...rows.params, arrayText(keys), partOf(parent), schemaOf(em, parent)],
  );
  return new Map(found.map(({ key, parent: of, unit }) => [key, { parent: of, unit }]));
}

/** A name that no column has. */
const KEY = '"soft-delete:key"';

/** That rows `c` point at a row by its key, which leads to it by the index of the archive; nothing where that key may be written in several ways. */
function keyOfParentSql(
  em: EntityManager,
  parent: EntityMetadata,
  shape: readonly TableColumn[],
  { columns, referenced }: NeededParent,
): string | undefined {
  const primary = primaryColumnTypes(parent);
  const texts = primary.flatMap(({ column, type }) => {
    const i = referenced.indexOf(column);
    const actual = shape.find(({ name }) => name === column);
    return i >= 0 && actual?.hasOneText
      ? [textSql(`cast(c.${em.getPlatform().quoteIdentifier(columns[i]!)} as ${actual.type})`, type)]
      : [];
  });
  if (texts.length < primary.length || referenced.length !== primary.length) {
    return undefined;
  }
  return `a."key" = ${keyOfTextsSql(texts)}`;
}

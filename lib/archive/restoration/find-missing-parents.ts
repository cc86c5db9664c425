import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { relationOver } from '../../metadata/relations/key-relations.js';
import { mappedTables } from '../../metadata/mapped-tables.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { type OutgoingKey, readOutgoingKeys } from '../../postgres/catalog/read-outgoing-keys.js';
import { arrayText } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { keyTextSql } from '../snapshot/key-text-sql.js';
import { UNIT_TEXT } from './lock-snapshots.js';
import type { SnapshotSet } from './snapshot-set.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';
import { schemaOf } from '../snapshot/write-snapshots.js';

/** A parent that an archived row cannot come back without. @internal */
export interface MissingParent {
  readonly part: string;
  readonly key: string;
  /** The relation, as `Entity.property`, or the constraint where the ORM maps none. */
  readonly relation: string;
  readonly parent: EntityMetadata | undefined;
  /** Its key, if it is soft-deleted or archived. */
  readonly parentKey: string | undefined;
  /** The unit that it was archived in last. */
  readonly archivedIn: string | undefined;
  readonly softDeleted: SoftDeletableEntityMetadata | undefined;
}

/**
 * The rows that the foreign keys of archived rows point at, and that are neither in their table nor restored as well; and the soft-deleted
 * rows that own an archived one.
 *
 * @internal
 */
export async function findMissingParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  snapshots: SnapshotSet,
  shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]>,
): Promise<MissingParent[]> {
  const missing: MissingParent[] = [];
  const metas = mappedTables(em.getMetadata());
  for (const part of snapshots.parts()) {
    const meta = snapshots.metaOf(part)!;
    for (const key of await readOutgoingKeys(em, ctx, meta, metas)) {
      const parent = key.of === null ? undefined : metas[key.of - 1]!;
      const typed = (of: EntityMetadata) => typedColumnsSql(em, catalog, of, shapes.get(of)!);
      missing.push(...(await findMissing(em, ctx, catalog, snapshots, part, meta, key, parent, typed)));
    }
  }
  return missing;
}

async function findMissing(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  snapshots: SnapshotSet,
  part: string,
  meta: EntityMetadata,
  { name, table, columns, referenced }: OutgoingKey,
  parent: EntityMetadata | undefined,
  typed: (of: EntityMetadata) => string,
): Promise<MissingParent[]> {
  const quote = (column: string) => em.getPlatform().quoteIdentifier(column);
  const edge = relationOver(catalog.graph, meta, columns, parent);
  const soft = edge && takesAlong(edge) && parent ? catalog.find(parent) : undefined;
  const selected = snapshots.condition(part);
  const same = (left: string, right: string, cast = '') =>
    columns
      .map((column, i) => `${left}.${quote(column)}${cast} = ${right}.${quote(referenced[i]!)}${cast}`)
      .join(' and ');
  const isActive = soft ? ` and p.${quote(soft.column)} is null` : '';
  const inSet =
    parent && snapshots.parts().includes(parent.className) ? snapshots.condition(parent.className) : undefined;
  const rows = await execute<{ key: string; values: string[]; exists: boolean; parent: string | null }>(
    em,
    ctx,
    `select a."key", array[${columns.map((column) => `c.${quote(column)}::text`).join(', ')}] as values, ` +
      `exists (select from ${table} as p where ${same('c', 'p')}) as exists, ` +
      `${parent ? `(select ${keyTextSql(em, parent, 'p')} from ${table} as p where ${same('c', 'p')})` : 'null'} as parent ` +
      `from ${archiveTable(em)} as a cross join lateral (select ${typed(meta)}) as c ` +
      `where ${selected.sql} and ${columns.map((column) => `c.${quote(column)} is not null`).join(' and ')} ` +
      `and not exists (select from ${table} as p where ${same('c', 'p')}${isActive}) ` +
      (inSet
        ? `and not exists (select from (select s.* from (select a.* from ${archiveTable(em)} as a where ${inSet.sql}) as a ` +
          `cross join lateral (select ${typed(parent!)}) as s) as s where ${same('c', 's', '::text')}) `
        : '') +
      `order by a."key"`,
    [...selected.params, ...(inSet?.params ?? [])],
  );
  const archived = parent
    ? await findArchived(
        em,
        ctx,
        parent,
        referenced,
        rows.filter(({ exists }) => !exists).map(({ values }) => values),
      )
    : new Map<string, { key: string; unit: string }>();
  return rows.map(({ key, values, exists, parent: parentKey }) => {
    const found = exists ? undefined : archived.get(JSON.stringify(values));
    return {
      part,
      key,
      relation: edge?.name ?? name,
      parent,
      parentKey: (exists ? parentKey : found?.key) ?? undefined,
      archivedIn: found?.unit,
      softDeleted: exists ? soft : undefined,
    };
  });
}

/** Archived rows by the values that a key references, of several the one that was deleted last. */
async function findArchived(
  em: EntityManager,
  ctx: Transaction,
  parent: EntityMetadata,
  referenced: readonly string[],
  values: readonly (readonly string[])[],
): Promise<Map<string, { key: string; unit: string }>> {
  if (values.length === 0) {
    return new Map();
  }
  const given = referenced.map((_column, i) => arrayText(values.map((of) => of[i]!)));
  const primary = parent.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames);
  // By the index, where the key leads to it.
  const isKey = primary.length === 1 && referenced.join() === primary.join();
  const texts = referenced.map((column) => `a."data" ->> ${em.getPlatform().quoteValue(column)}`);
  const rows = await execute<{ key: string; unit: string; values: string[] }>(
    em,
    ctx,
    `select distinct on (a."key") a."key", ${UNIT_TEXT} as unit, array[${texts.join(', ')}] as values ` +
      `from ${archiveTable(em)} as a where a."part" = ? and a."schema" = ? ${isKey ? 'and a."key" = any(cast(? as text[])) ' : ''}` +
      `and (${texts.join(', ')}) in (select * from unnest(${given.map(() => 'cast(? as text[])').join(', ')})) ` +
      `order by a."key", a."unit" desc`,
    [parent.className, schemaOf(em, parent), ...(isKey ? [given[0]] : []), ...given],
  );
  return new Map(rows.map(({ key, unit, values: of }) => [JSON.stringify(of), { key, unit }]));
}

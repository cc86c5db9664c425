import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../../errors/deletion-restriction.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { arrayText, identify } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { findVetoes } from '../../postgres/vetoes.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from './archive-table.js';
import { columnTextSql } from './column-text-sql.js';
import type { ArchivedLink } from './archived-link.js';
import { type CollectedRows, rowName } from '../removal/collected-rows.js';
import { partOf } from './part-of.js';
import { requireReadable } from './require-readable.js';
import type { TableColumn } from '../../postgres/table-shape.js';

/** What a deletion writes beside the rows themselves. @internal */
export interface SnapshotContext extends DeletionContext {
  readonly unit: UnitTime;
  readonly links: ReadonlyMap<string, readonly ArchivedLink[]>;
}

/**
 * Removes rows from their tables and writes each of them to the archive, in one statement for all tables: foreign keys are checked at
 * its end, so that cycles need no order.
 *
 * @returns what kept rows in their tables: then nothing may stay removed
 * @internal
 */
export async function writeSnapshots(
  em: EntityManager,
  ctx: Transaction,
  collected: CollectedRows,
  shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]>,
  context: SnapshotContext,
): Promise<DeletionRestriction[]> {
  const kept: string[] = [];
  const parts: string[] = [];
  const params: unknown[] = [];
  for (const root of collected.rows.entities()) {
    for (const table of tablesOf(em.getMetadata(), root)) {
      const part = snapshotSql(em, collected, table, shapes.get(table)!, context);
      const n = parts.length / 2;
      parts.push(`"soft-delete:gone${n}" as (${part.sql})`, `"soft-delete:kept${n}" as (${insertSql(em, n)})`);
      kept.push(table === root ? `(select count(*)::int from "soft-delete:gone${n}")` : 'null');
      params.push(...part.params);
    }
  }
  const [row] = await execute<{ kept: (number | null)[] }>(
    em,
    ctx,
    `with ${parts.join(', ')} select json_build_array(${kept.join(', ')}) as kept`,
    params,
  );
  const restrictions = await findVetoes(
    em,
    ctx,
    collected.rows,
    row!.kept.filter((count) => count !== null),
  );
  if (restrictions.length > 0) {
    return restrictions;
  }
  for (const root of collected.rows.entities()) {
    for (const table of tablesOf(em.getMetadata(), root)) {
      await requireReadable(em, ctx, table, shapes.get(table)!, context.unit);
    }
  }
  return [];
}

const COLUMNS = ['part', 'key', 'unit', 'entity', 'schema', 'owners', 'data', 'types', 'links', 'actor', 'reason'];

function insertSql(em: EntityManager, n: number): string {
  const columns = COLUMNS.map((column) => `"${column}"`).join(', ');
  return `insert into ${archiveTable(em)} (${columns}) select ${columns} from "soft-delete:gone${n}"`;
}

function snapshotSql(
  em: EntityManager,
  collected: CollectedRows,
  table: EntityMetadata,
  columns: readonly TableColumn[],
  { unit, actor, reason, links }: SnapshotContext,
): { sql: string; params: unknown[] } {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const { root } = table;
  const isRoot = table === root;
  const keys = collected.rows.keys(root);
  const names = keys.map((key) => rowName(root, key));
  const own = root.className;
  const data = inKeyOrder(columns);
  const primary = primaryColumns(table);
  const owners = names.map((name) => (isRoot ? collected.owners(name) : [name]));
  const typeOf = (column: string) => columns.find(({ name }) => name === column)!.type;
  const going = [
    ...primary.map((_column, i) => arrayText(keys.map((key) => key[i]!))),
    arrayText(keys.map(identify)),
    arrayText(names.map((name) => collected.belongsTo(name) ?? own)),
    nullableArrayText(owners.map((of) => (of.length > 0 ? arrayText(of) : undefined))),
    nullableArrayText(names.map((name) => (isRoot && links.has(name) ? JSON.stringify(links.get(name)) : undefined))),
  ];
  const aliases = [...primary.map((_column, i) => `k${i}`), 'key', 'entity', 'owners', 'links'].map(
    (name) => `"${name}"`,
  );
  const same = primary.map((column, i) => `c.${quote(column)} = cast(k."k${i}" as ${typeOf(column)})`);
  return {
    sql:
      `delete from ${tableName(em, table)} as c ` +
      `using unnest(${going.map(() => 'cast(? as text[])').join(', ')}) as k(${aliases.join(', ')}) where ${same.join(' and ')} ` +
      `returning cast(? as text) as "part", k."key" as "key", cast(? as timestamptz) as "unit", k."entity" as "entity", ` +
      `cast(? as text) as "schema", cast(k."owners" as text[]) as "owners", ` +
      `jsonb_object(cast(? as text[]), array[${data.map((column) => columnTextSql(em, column)).join(', ')}]) as "data", ` +
      `cast(? as text) as "types", cast(k."links" as jsonb) as "links", cast(? as text) as "actor", cast(? as text) as "reason"`,
    params: [
      ...going,
      partOf(table),
      unit.text,
      schemaOf(em, table),
      arrayText(data.map(({ name }) => name)),
      data.map(({ type }) => type).join('\n'),
      actor ?? null,
      reason ?? null,
    ],
  };
}

/** The schema of a table that lives in that of the entity manager. @internal */
export function schemaOf(em: EntityManager, { root }: EntityMetadata): string {
  return root.schema && root.schema !== '*' ? '' : (em.schema ?? '');
}

/** Columns in the order in which PostgreSQL keeps the keys of an object. @internal */
export function inKeyOrder(columns: readonly TableColumn[]): TableColumn[] {
  return columns.toSorted((one, other) => {
    const [left, right] = [Buffer.from(one.name), Buffer.from(other.name)];
    return left.length - right.length || Buffer.compare(left, right);
  });
}

function nullableArrayText(values: readonly (string | undefined)[]): string {
  return `{${values.map((value) => (value === undefined ? 'null' : arrayText([value]).slice(1, -1))).join(',')}}`;
}

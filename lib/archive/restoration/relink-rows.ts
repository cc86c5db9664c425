import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import type { ArchivedLink } from '../snapshot/archived-link.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import type { Snapshot, SnapshotSet } from './snapshot-set.js';

/** A row whose key to a restored one was written again. @internal */
export interface Relinked {
  readonly entity: string;
  readonly id: string;
  readonly columns: readonly string[];
  readonly part: string;
  readonly key: string;
}

/**
 * Writes the keys to restored rows again that their deletion had cleared, where nobody has written another one since. One statement for
 * each foreign key.
 *
 * @internal
 */
export async function relinkRows(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  restored: readonly Snapshot[],
): Promise<Relinked[]> {
  const relinked: Relinked[] = [];
  const links = restored.flatMap((snapshot) =>
    (snapshot.links ?? []).filter(({ columns }) => columns).map((link) => ({ snapshot, link })),
  );
  const groups = Map.groupBy(links, ({ snapshot, link }) =>
    JSON.stringify([snapshot.part, link.table, link.columns, link.referenced, Object.keys(link.key!)]),
  );
  for (const group of groups.values()) {
    relinked.push(...(await relink(em, ctx, snapshots, group)));
  }
  return relinked;
}

async function relink(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  group: readonly { snapshot: Snapshot; link: ArchivedLink }[],
): Promise<Relinked[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const [{ snapshot, link }] = group as [{ snapshot: Snapshot; link: ArchivedLink }];
  const { columns, referenced, table } = link as Required<ArchivedLink>;
  const meta = snapshots.metaOf(snapshot.part)!;
  const own = Object.keys(link.key!);
  const types = await columnTypes(em, ctx, table);
  const target = await columnTypes(em, ctx, tableName(em, meta));
  const isThere =
    [...own, ...columns].every((column) => types.has(column)) && referenced.every((column) => target.has(column));
  if (!isThere) {
    // The table, or the key, is no longer there.
    return [];
  }
  const parentKey = primaryColumns(meta);
  const keys = group.map((one) => rowKeyOf(meta, one.snapshot.key));
  const sources = [
    ...own.map((column) => arrayText(group.map((one) => one.link.key![column]!))),
    ...parentKey.map((_column, i) => arrayText(keys.map((key) => key[i]!))),
  ];
  const names = sources.map((_source, i) => `"k${i}"`);
  const same = [
    ...own.map((column, i) => `c.${quote(column)} = cast(k.${names[i]!} as ${types.get(column)!})`),
    ...parentKey.map((column, i) => `p.${quote(column)} = cast(k.${names[own.length + i]!} as ${target.get(column)!})`),
  ];
  const rows = await execute<{ n: number }>(
    em,
    ctx,
    `update ${table} as c set ${columns.map((column, i) => `${quote(column)} = p.${quote(referenced[i]!)}`).join(', ')} ` +
      `from unnest(${sources.map(() => 'cast(? as text[])').join(', ')}) with ordinality as k(${[...names, '"n"'].join(', ')}), ` +
      `${tableName(em, meta)} as p where ${same.join(' and ')} and (${columns.map((column) => `c.${quote(column)} is null`).join(' or ')}) ` +
      `returning k."n"::int as n`,
    sources,
  );
  return rows.flatMap(({ n }) => {
    const { link: of, snapshot: to } = group[n - 1]!;
    return of.entity && of.id ? [{ entity: of.entity, id: of.id, columns, part: to.part, key: to.key }] : [];
  });
}

async function columnTypes(em: EntityManager, ctx: Transaction, table: string): Promise<Map<string, string>> {
  const rows = await execute<{ name: string; type: string }>(
    em,
    ctx,
    `select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute as a ` +
      `where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped`,
    [table],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

import { type EntityMetadata, type FilterOptions, helper } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../../options/any-of-the-orm.js';
import { getInstallation } from '../../installation/installation.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { execute, inTransaction } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { type AskedSnapshots, askSnapshots, listSnapshots } from './asked-snapshots.js';
import { markDetached } from './detached-rows.js';
import { refuseMisfits } from './refuse-misfits.js';
import { orderSql, type SnapshotOrder } from './order-sql.js';
import { convertedColumnsSql } from './converted-columns-sql.js';
import { readShapes, type TableColumn } from '../../postgres/table-shape.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';
import { withReadableText } from '../snapshot/with-exact-text.js';

/** What bounds a read of archived rows. @internal */
export interface SnapshotReadOptions {
  readonly orderBy?: SnapshotOrder;
  readonly limit?: number;
  readonly offset?: number;
  readonly filters?: FilterOptions;
}

/**
 * The archived rows that match, those that were deleted last first: instances of their own classes that no entity manager knows, and that
 * nothing saves.
 *
 * @internal
 */
export async function readSnapshots(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  { orderBy, limit, offset, filters }: SnapshotReadOptions,
): Promise<object[]> {
  const asked = await askSnapshots(em, meta, where, { filters });
  return readAsked(em, meta, asked, { limit, offset, order: orderSql(em, meta, orderBy) });
}

/** Given archived rows, the same way: those that are of the class. @internal */
export async function readListedSnapshots(
  em: EntityManager,
  meta: EntityMetadata,
  rows: readonly (readonly [key: string, unit: string])[],
): Promise<object[]> {
  const found = await readAsked(em, meta, listSnapshots(em, meta, rows), { order: [] });
  return found.filter((row) => row instanceof meta.class);
}

async function readAsked(
  em: EntityManager,
  meta: EntityMetadata,
  asked: AskedSnapshots,
  bounds: { limit?: number | undefined; offset?: number | undefined; order: readonly string[] },
): Promise<object[]> {
  const { limit, offset } = bounds;
  const order = [...bounds.order, 'a."unit" desc', 'a."key"'];
  const read = (ctx: Transaction) =>
    withReadableText(em, ctx, async () => {
      const { from, where: condition, params } = await asked.resolve(em, ctx);
      const parts = await joinedPartsSql(em, ctx, meta);
      return execute<Record<string, unknown>>(
        em,
        ctx,
        `select ${parts.columns} from ${archiveTable(em)} as a${from}${parts.from} where ${condition} order by ${order.join(', ')}` +
          `${limit === undefined ? '' : ` limit ${Number(limit)}`}${offset === undefined ? '' : ` offset ${Number(offset)}`}`,
        params,
      );
    });
  const rows = await refuseMisfits(em, meta, asked, 'onlyDeleted()', () => inTransaction(em, read));
  return rows.map((row) => detach(em, meta, row));
}

/** How many archived rows match. @internal */
export async function countSnapshots(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  { filters }: SnapshotReadOptions,
): Promise<number> {
  const asked = await askSnapshots(em, meta, where, { filters });
  const read = (ctx: Transaction) =>
    withReadableText(em, ctx, async () => {
      const { from, where: condition, params } = await asked.resolve(em, ctx);
      return execute<{ count: number }>(
        em,
        ctx,
        `select count(*)::int as count from ${archiveTable(em)} as a${from} where ${condition}`,
        params,
      );
    });
  const [row] = await refuseMisfits(em, meta, asked, 'onlyDeleted()', () => inTransaction(em, read));
  return row!.count;
}

/** The rows that classes of a table-per-type hierarchy have in tables of their own, as `s1`, `s2` and so on. */
async function joinedPartsSql(
  em: EntityManager,
  ctx: Transaction,
  { root }: EntityMetadata,
): Promise<{ columns: string; from: string }> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const { catalog } = getInstallation(em);
  const [, ...tables] = tablesOf(em.getMetadata(), root);
  const shapes = tables.length > 0 ? await readShapes(em, ctx, tables) : new Map<EntityMetadata, TableColumn[]>();
  const own = ' cross join lateral (select a."key" as "k", a."unit" as "u") as o';
  const joins = tables.map(
    (table, i) =>
      ` left join lateral (select ${typedColumnsSql(em, catalog, table, shapes.get(table)!)} from ${archiveTable(em)} as a ` +
      `where a."part" = ${em.getPlatform().quoteValue(table.className)} and a."key" = o."k" and a."unit" = o."u") as s${i} on true`,
  );
  // The keys of these tables, by the names of their classes: they tell which class a row is of.
  const present = tables.map((table, i) => {
    const [key] = primaryColumns(table);
    return `s${i}.${quote(key!)} is not null as ${quote(`soft-delete:${table.className}`)}`;
  });
  const columns = tables.flatMap((table, i) =>
    shapes
      .get(table)!
      .filter(({ name }) => !primaryColumns(table).includes(name))
      .map(({ name }) => `s${i}.${quote(name)}`),
  );
  const converted = [root, ...tables].flatMap((table, i) =>
    convertedColumnsSql(em, table, i === 0 ? 'c' : `s${i - 1}`),
  );
  return { columns: ['c.*', ...columns, ...present, ...converted].join(', '), from: [own, ...joins].join('') };
}

function detach(em: EntityManager, meta: EntityMetadata, row: Record<string, unknown>): object {
  const present = tablesOf(em.getMetadata(), meta.root).filter(
    (table) => row[`soft-delete:${table.className}`] === true,
  );
  // The class furthest down.
  const own = present.toSorted((one, other) => depth(other) - depth(one))[0] ?? meta.root;
  const data = Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('soft-delete:')));
  const fork = em.fork({ keepTransactionContext: false });
  const entity: object = fork.map(own.class as never, data as never);
  for (const each of fork.getUnitOfWork(false).getIdentityMap()) {
    const wrapped = helper(each);
    wrapped.__managed = false;
    (wrapped as { __em?: unknown }).__em = undefined;
  }
  markDetached(entity);
  return entity;
}

function depth(meta: EntityMetadata): number {
  return meta.tptParent ? 1 + depth(meta.tptParent) : 0;
}

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import { primaryColumns, type RelationEdge } from '../metadata/relation-graph.js';
import { relationSql } from './relation-sql.js';
import { execute } from './transaction.js';

/** A primary key as text, one value per column, as PostgreSQL prints it: exact for every type. @internal */
export type RowKey = readonly string[];

const CHUNK = 5_000;

/**
 * Rows of several entities, by key: what an operation is about to restore or remove.
 *
 * @internal
 */
export class RowSet {
  readonly #rows = new Map<EntityMetadata, Map<string, RowKey>>();

  /** Adds rows and returns those that were new. */
  add(meta: EntityMetadata, keys: Iterable<RowKey>): RowKey[] {
    const rows = this.#of(meta);
    const added: RowKey[] = [];
    for (const key of keys) {
      const id = identify(key);
      if (!rows.has(id)) {
        rows.set(id, key);
        added.push(key);
      }
    }
    return added;
  }

  has(meta: EntityMetadata, key: RowKey): boolean {
    return this.#rows.get(meta.root)?.has(identify(key)) ?? false;
  }

  keys(meta: EntityMetadata): RowKey[] {
    return [...(this.#rows.get(meta.root)?.values() ?? [])];
  }

  entities(): EntityMetadata[] {
    return [...this.#rows.keys()].filter((meta) => this.#rows.get(meta)!.size > 0);
  }

  count(meta: EntityMetadata): number {
    return this.#rows.get(meta.root)?.size ?? 0;
  }

  #of(meta: EntityMetadata): Map<string, RowKey> {
    let rows = this.#rows.get(meta.root);
    if (!rows) {
      rows = new Map();
      this.#rows.set(meta.root, rows);
    }
    return rows;
  }
}

function identify(key: RowKey): string {
  return key.length === 1 ? key[0]! : JSON.stringify(key);
}

/** Calls back with keys in portions that one statement can take. @internal */
export async function inChunks<Key>(
  keys: readonly Key[],
  work: (chunk: readonly Key[]) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < keys.length; i += CHUNK) {
    await work(keys.slice(i, i + CHUNK));
  }
}

/**
 * A condition on the primary key of the rows `alias`. Values are written as untyped literals, which PostgreSQL reads as the
 * type of the column they are compared with.
 *
 * @internal
 */
export function keyConditionSql<Value>(
  em: EntityManager,
  meta: EntityMetadata,
  alias: string,
  keys: readonly (readonly Value[])[],
): { readonly sql: string; readonly params: readonly Value[] } {
  const columns = primaryColumns(meta.root).map((column) => `${alias}.${em.getPlatform().quoteIdentifier(column)}`);
  if (columns.length === 1) {
    return { sql: `${columns[0]} in (${keys.map(() => '?').join(', ')})`, params: keys.flat() };
  }
  const tuple = `(${columns.map(() => '?').join(', ')})`;
  return { sql: `(${columns.join(', ')}) in (${keys.map(() => tuple).join(', ')})`, params: keys.flat() };
}

/** The primary key of the rows `alias` as an array of text named `key`. @internal */
export function keySql(em: EntityManager, meta: EntityMetadata, alias: string, name = 'key'): string {
  const columns = primaryColumns(meta.root).map(
    (column) => `${alias}.${em.getPlatform().quoteIdentifier(column)}::text`,
  );
  return `array[${columns.join(', ')}] as "${name}"`;
}

/** Locks the rows behind a relation of the given rows, and returns their keys with those of the rows in front. @internal */
export async function lockBehind(
  em: EntityManager,
  ctx: Transaction,
  edge: RelationEdge,
  parents: readonly RowKey[],
  and: readonly string[] = [],
): Promise<{ key: RowKey; parent: RowKey }[]> {
  const relation = relationSql(em, edge);
  // Portions, since a call with all rows of one as its arguments would overflow the stack.
  const found: { key: RowKey; parent: RowKey }[][] = [];
  await inChunks(parents, async (chunk) => {
    const condition = keyConditionSql(em, edge.parent, 'p', chunk);
    found.push(
      await execute<{ key: string[]; parent: string[] }>(
        em,
        ctx,
        `select ${keySql(em, edge.child, 'c')}, ${keySql(em, edge.parent, 'p', 'parent')} ` +
          `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
          `where ${[condition.sql, ...relation.conditions, ...and].join(' and ')} for update of c`,
        [...condition.params, ...relation.params],
      ),
    );
  });
  return found.flat();
}

import { setImmediate } from 'node:timers/promises';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import { primaryColumns, type GraphRelation } from '../metadata/relations/relation-graph.js';
import { hasTimeZone } from './deleted-at-sql.js';
import { filterSql } from './filter-sql.js';
import { tableName } from './table-name.js';
import { relationSql } from './relation-sql.js';
import { execute } from './transaction.js';

/** A primary key as text, one value per column, as PostgreSQL prints it: exact for every type. @internal */
export type RowKey = readonly string[];

/** How many keys one statement is sent: few enough that it neither fills memory nor keeps the event loop from turning. */
const CHUNK = 50_000;

/**
 * Rows of several entities, by key: what an operation is about to restore or remove.
 *
 * @internal
 */
export class RowSet {
  /** One string per row, which takes a fraction of the memory of an array. */
  readonly #rows = new Map<EntityMetadata, Set<string>>();

  /** Adds rows and returns those that were new. Lets others have their turn between portions. */
  async add(meta: EntityMetadata, keys: Iterable<RowKey>): Promise<RowKey[]> {
    const rows = this.#of(meta);
    const added: RowKey[] = [];
    await inChunks(keys, async (chunk) => {
      for (const key of chunk) {
        const id = identify(key);
        if (!rows.has(id)) {
          rows.add(id);
          added.push(key);
        }
      }
      if (chunk.length === CHUNK) {
        await setImmediate();
      }
    });
    return added;
  }

  has(meta: EntityMetadata, key: RowKey): boolean {
    return this.#rows.get(meta.root)?.has(identify(key)) ?? false;
  }

  keys(meta: EntityMetadata): RowKey[] {
    return [...this.each(meta)];
  }

  /** The same one by one, for what takes them in portions and keeps none. */
  *each(meta: EntityMetadata): Generator<RowKey> {
    const isSingle = primaryColumns(meta.root).length === 1;
    for (const id of this.#rows.get(meta.root) ?? []) {
      yield isSingle ? [id] : (JSON.parse(id) as string[]);
    }
  }

  entities(): EntityMetadata[] {
    return [...this.#rows.keys()].filter((meta) => this.#rows.get(meta)!.size > 0);
  }

  count(meta: EntityMetadata): number {
    return this.#rows.get(meta.root)?.size ?? 0;
  }

  #of(meta: EntityMetadata): Set<string> {
    let rows = this.#rows.get(meta.root);
    if (!rows) {
      rows = new Set();
      this.#rows.set(meta.root, rows);
    }
    return rows;
  }
}

/** A key as one string, which no other key has. @internal */
export function identify(key: RowKey): string {
  return key.length === 1 ? key[0]! : JSON.stringify(key);
}

/** Calls back with keys in portions that one statement can take. @internal */
export async function inChunks<Key>(
  keys: Iterable<Key>,
  work: (chunk: readonly Key[]) => Promise<void>,
): Promise<void> {
  let chunk: Key[] = [];
  for (const key of keys) {
    chunk.push(key);
    if (chunk.length === CHUNK) {
      await work(chunk);
      chunk = [];
    }
  }
  if (chunk.length > 0) {
    await work(chunk);
  }
}

/**
 * A condition on columns of the rows `alias`, by default their primary key, with one parameter per column however many keys there
 * are. A list of pairs would become a tree as deep as the list is long, and exhaust PostgreSQL's stack.
 *
 * The parameters are the texts of arrays without a type: PostgreSQL reads them as arrays of the type that the column has, whatever
 * the ORM takes it for.
 *
 * @internal
 */
export function keyConditionSql(
  em: EntityManager,
  meta: EntityMetadata,
  alias: string,
  keys: readonly RowKey[],
  columns: readonly string[] = primaryColumns(meta.root),
  table = tableName(em, meta.root),
): { readonly sql: string; readonly params: readonly string[] } {
  const names = columns.map((column) => em.getPlatform().quoteIdentifier(column));
  const params = columns.map((_column, i) => arrayText(keys.map((key) => key[i]!)));
  if (names.length === 1) {
    return { sql: `${alias}.${names[0]} = any(?)`, params };
  }
  // The first column leads to the rows by an index; the whole key is looked up in a hash table, never joined: right after a
  // deletion the planner expects one row where there are thousands, and would search the list again for each.
  const tuple = names.map((name) => `${alias}.${name}`).join(', ');
  const list = names.map((_name, i) => `"soft-delete:${i}"`).join(', ');
  return {
    sql:
      `(${alias}.${names[0]} = any(?) and ` +
      `${filterSql(`(${tuple}) in (select ${list} from ${keyRowsSql(table, names, keys.length)})`)})`,
    params: [arrayText([...new Set(keys.map((key) => key[0]!))]), ...params],
  };
}

/**
 * Keys as a row source for `from`: one column per name, in this order, and their number, from 1 on. Takes one array's text per column as
 * parameters.
 *
 * @param count - how many keys, which the planner takes from the series: of arrays that it does not see it expects ten
 * @internal
 */
export function keyRowsSql(table: string, names: readonly string[], count: number): string {
  const typed = names.map((name) => `array_agg(${KEYS}.${name})`).join(', ');
  const arrays = names.map((_name, i) => `"soft-delete:array${i}"`);
  // The first half has no row but the types that the second one's texts are read as.
  return (
    `(select ${KEYS}.* from (select ${typed} from ${table} as ${KEYS} where false having false ` +
    `union all select ${names.map(() => '?').join(', ')}) as "soft-delete:arrays" (${arrays.join(', ')}), ` +
    `rows from (${arrays.map((array) => `unnest(${array})`).join(', ')}, generate_series(1, ${count})) as ${KEYS}) as ${KEYS} ` +
    `(${[...names.map((_name, i) => `"soft-delete:${i}"`), '"soft-delete:n"'].join(', ')})`
  );
}

const KEYS = '"soft-delete:keys"';

/** A condition without the keys that it looks up in its own list, which no row of a table decides about. @internal */
export function withoutKeyLists(condition: string): string {
  return condition.replaceAll(/\(select "soft-delete:0".*?"soft-delete:n"\)\)/g, '()');
}

/** The text of an array, as PostgreSQL reads it. @internal */
export function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => (NEEDS_NO_QUOTES.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`;
}

/** Numbers and UUIDs: thousands of keys are a third shorter, and no `null` is among them. */
const NEEDS_NO_QUOTES = /^[\da-f-]+$/;

/**
 * The primary key of the rows `alias` as an array of text. It is written and read in one transaction, and exact in any case: times
 * come in ISO format, whatever `DateStyle` says.
 *
 * @internal
 */
export function keySql(em: EntityManager, meta: EntityMetadata, alias: string, name = 'key'): string {
  return `${keyArraySql(em, meta, alias)} as "${name}"`;
}

/** The same without a name. @internal */
export function keyArraySql(em: EntityManager, meta: EntityMetadata, alias: string): string {
  return `array[${keyColumnsOf(em, meta, alias).join(', ')}]`;
}

function keyColumnsOf(em: EntityManager, meta: EntityMetadata, alias: string): string[] {
  return primaryColumnTypes(meta.root).map(({ column, type }) =>
    textSql(`${alias}.${em.getPlatform().quoteIdentifier(column)}`, type),
  );
}

/**
 * A value of a key as text, exact whatever the session's settings are. A session that prints fewer digits than a float has prints all of
 * them until the end of its transaction: PostgreSQL has no other exact text of a float.
 *
 * @internal
 */
export function textSql(column: string, type: string): string {
  if (/^(float|real|double)/i.test(type)) {
    return (
      `case when current_setting('extra_float_digits')::int > 0 or set_config('extra_float_digits', '1', true) <> '' ` +
      `then ${column}::text end`
    );
  }
  if (/^bytea/i.test(type)) {
    return `E'\\\\x' || encode(${column}, 'hex')`;
  }
  if (hasTimeZone(type)) {
    // The same in every time zone: a key is also kept, and compared by sessions of others.
    return (
      `case when isfinite(${column}) and ${column} >= '0001-01-02 00:00:00+00' ` +
      `then to_jsonb(${column} at time zone 'UTC') #>> '{}' || '+00:00' else to_jsonb(${column}) #>> '{}' end`
    );
  }
  // Dates in ISO format, and the blanks that fill up a `char`, which a cast leaves out.
  const isSpelledOut = /^(time|date|bpchar|char(acter)?( ?\(|$))/i.test(type);
  return isSpelledOut ? `to_jsonb(${column}) #>> '{}'` : `${column}::text`;
}

/** @internal */
export function primaryColumnTypes(meta: EntityMetadata): { readonly column: string; readonly type: string }[] {
  return meta
    .getPrimaryProps()
    .flatMap((prop) => prop.fieldNames.map((column, i) => ({ column, type: prop.columnTypes?.[i] ?? '' })));
}

/** Locks the rows behind a relation of the given rows, and returns their keys with those of the rows in front. @internal */
export async function lockBehind(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  parents: readonly RowKey[],
  and: readonly string[] = [],
): Promise<{ key: RowKey; parent: RowKey }[]> {
  const relation = relationSql(em, edge);
  const [key, parent] = [keyColumnsOf(em, edge.child, 'c'), keyColumnsOf(em, edge.parent, 'p')];
  const values = [...key, ...parent];
  // Portions, since a call with all rows of one as its arguments would overflow the stack.
  const found: { key: RowKey; parent: RowKey }[][] = [];
  await inChunks(parents, async (chunk) => {
    const condition = keyConditionSql(em, edge.parent, 'p', chunk);
    // A list for each column is read in a fraction of the time that a row takes for each pair.
    const [row] = await execute<{ columns: (string[] | null)[] }>(
      em,
      ctx,
      `with "soft-delete:behind" as (select ${values.map((sql, i) => `${sql} as "${i}"`).join(', ')} ` +
        `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
        `where ${[condition.sql, ...relation.conditions, ...and].join(' and ')} for update of c) ` +
        `select json_build_array(${values.map((_sql, i) => `json_agg(b."${i}")`).join(', ')}) as columns from "soft-delete:behind" as b`,
      [...condition.params, ...relation.params],
    );
    const columns = row!.columns.map((column) => column ?? []);
    found.push(
      columns[0]!.map((_text, n) => ({
        key: key.map((_sql, i) => columns[i]![n]!),
        parent: parent.map((_sql, i) => columns[key.length + i]![n]!),
      })),
    );
  });
  return found.flat();
}

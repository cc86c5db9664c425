import type { KeyAction, KeyReference } from './key-graph.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { type ColumnRow, readColumns } from '../../postgres/read-columns.js';
import { type ForeignKeyRow, readForeignKeys } from '../../postgres/read-foreign-keys.js';
import { type IndexRow, readIndexes } from '../../postgres/read-indexes.js';
import { admitsNotNull } from '../../postgres/predicate.js';
import { readTables, type TableRow } from '../../postgres/read-tables.js';

/** A foreign key of the database. Its columns are not quoted yet. @internal */
export interface CatalogKey extends Omit<KeyReference, 'from' | 'to' | 'conditions' | 'parts' | 'isInheritance'> {
  readonly from: CatalogTable;
  readonly to: CatalogTable;
}

/** What the database says about the mapped tables and about every foreign key. @internal */
export interface DatabaseCatalog {
  /** By the names that were asked for, as far as they exist. */
  readonly byName: ReadonlyMap<string, CatalogTable>;
  readonly keys: readonly CatalogKey[];
}

/**
 * Reads the tables of the given quoted names, every foreign key of the database and the tables that these lead to. A key that only
 * one partition has counts as one of the partitioned table.
 *
 * @internal
 */
export async function readCatalog(connection: PurgeConnection, names: readonly string[]): Promise<DatabaseCatalog> {
  const keys = await connection.read<ForeignKeyRow>(readForeignKeys());
  const ends = [
    ...new Set(keys.flatMap(({ from, fromRoot, to, toRoot }) => [from, fromRoot ?? from, to, toRoot ?? to])),
  ];
  const rows = await connection.read<TableRow>(readTables(names, ends, connection.quote));
  const tables = new Map(rows.map((row) => [row.id, new CatalogTable(row)]));
  const ids = [...tables.keys()];
  for (const column of await connection.read<ColumnRow>(readColumns(ids))) {
    tables.get(column.table)!.addColumn(column);
  }
  for (const index of await connection.read<IndexRow>(readIndexes(ids))) {
    tables.get(index.table)!.indexes.push(index);
  }
  const named = rows[0]?.named ?? [];
  return {
    byName: new Map(names.flatMap((name, i) => (named[i] ? [[name, tables.get(named[i])!]] : []))),
    keys: keys.flatMap((key) => toKey(key, tables) ?? []).toSorted(byConstraint),
  };
}

/** A table of the database with its columns and indexes. @internal */
export class CatalogTable {
  readonly id: string;
  /** The quoted name with its schema. */
  readonly name: string;
  /** The name as a person writes it. */
  readonly label: string;
  /** The name without its schema. */
  readonly relation: string;
  readonly pages: number;
  readonly isPartitioned: boolean;
  readonly isPartition: boolean;
  readonly isFiltered: boolean;
  readonly indexes: IndexRow[] = [];
  readonly #byNumber = new Map<number, ColumnRow>();
  readonly #byName = new Map<string, ColumnRow>();

  constructor(row: TableRow) {
    this.id = String(row.id);
    this.name = `${row.quotedSchema}.${row.quotedRelation}`;
    this.label = row.schema === 'public' ? row.relation : `${row.schema}.${row.relation}`;
    this.relation = row.relation;
    this.pages = row.pages;
    this.isPartitioned = row.isPartitioned;
    this.isPartition = row.isPartition;
    this.isFiltered = row.isFiltered;
  }

  addColumn(column: ColumnRow): void {
    this.#byNumber.set(column.number, column);
    this.#byName.set(column.name, column);
  }

  get primaryKey(): string[] {
    return this.columns(this.indexes.find(({ isPrimary }) => isPrimary)?.numbers ?? []);
  }

  columns(numbers: readonly number[]): string[] {
    return numbers.map((number) => this.#byNumber.get(number)!.name);
  }

  typeOf(column: string): string | undefined {
    return this.#byName.get(column)?.type;
  }

  /** Whether an index begins with these columns in this order, for all rows or for those in which the first has a value. */
  isOrderedBy(columns: readonly string[]): boolean {
    const numbers = columns.map((column) => this.#byName.get(column)?.number);
    return this.indexes.some(
      (index) =>
        this.#holdsRowsWith(index, numbers.slice(0, 1)) && numbers.every((number, i) => index.numbers[i] === number),
    );
  }

  /** Whether an index begins with these columns in any order, for all rows or for those in which all of them have values. */
  isIndexedBy(numbers: readonly number[]): boolean {
    return this.indexes.some((index) => {
      const first = index.numbers.slice(0, numbers.length);
      return this.#holdsRowsWith(index, numbers) && numbers.every((number) => first.includes(number));
    });
  }

  #holdsRowsWith({ condition }: IndexRow, numbers: readonly (number | undefined)[]): boolean {
    const columns = numbers.flatMap((number) => this.#byNumber.get(number ?? 0)?.name ?? []);
    return admitsNotNull(condition, columns);
  }
}

const ACTIONS: Readonly<Record<string, KeyAction>> = { r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' };

/** Nothing if one of the tables was dropped while the catalog was read. */
function toKey(key: ForeignKeyRow, tables: ReadonlyMap<number, CatalogTable>): CatalogKey | undefined {
  const [holder, referenced] = [tables.get(key.from), tables.get(key.to)];
  const [from, to] = [tables.get(key.fromRoot ?? key.from), tables.get(key.toRoot ?? key.to)];
  if (!holder || !referenced || !from || !to) {
    return undefined;
  }
  return {
    constraint: key.constraint,
    from,
    fromColumns: holder.columns(key.fromNumbers),
    to,
    toColumns: referenced.columns(key.toNumbers),
    action: ACTIONS[key.action] ?? 'no action',
    isIndexed: holder.isIndexedBy(key.fromNumbers),
    isEnforced: key.isEnforced && !holder.isPartition && !referenced.isPartition,
    isOff: !key.isEnforced,
  };
}

/** So that a plan reads the same however the catalog lies. */
function byConstraint(one: CatalogKey, other: CatalogKey): number {
  const [left, right] = [one, other].map(({ constraint, from }) => `${constraint} ${from.name}`);
  return left! < right! ? -1 : 1;
}

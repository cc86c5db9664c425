import type { QuoteValue } from '../../sql/quote-value.js';
import { admitsNotNull } from '../predicate.js';
import { type ColumnRow, readColumns } from './read-columns.js';
import { type ForeignKeyRow, readForeignKeys } from './read-foreign-keys.js';
import { type IndexRow, readIndexes } from './read-indexes.js';
import { readTables, readTablesBelow, type TableBelowRow, type TableRow } from './read-tables.js';

/** Whoever reads: a transaction of the ORM, or a connection of the purge. @internal */
export interface CatalogReader {
  read<Row extends object>(sql: string): Promise<Row[]>;
  readonly quote: QuoteValue;
}

/** What the database does to a row when the row that it references is removed. @internal */
export type DeleteRule = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** A foreign key of the database. Columns correspond by position and are not quoted. @internal */
export interface CatalogKey {
  readonly constraint: string;
  readonly from: CatalogTable;
  readonly fromColumns: readonly string[];
  readonly to: CatalogTable;
  readonly toColumns: readonly string[];
  readonly action: DeleteRule;
  /** Whether an index finds the referencing rows. */
  readonly isIndexed: boolean;
  /** Whether the database sees to it: not while its triggers are off. */
  readonly isEnforced: boolean;
  /** Whether the database does not see to it at present, so that its `on delete` rule is not carried out either. */
  readonly isOff: boolean;
  /** All that the key says as one text, if it was asked for (`keyStampSql()`). */
  readonly fingerprint: string;
}

/** What the database says about the mapped tables and about every foreign key. @internal */
export interface PgCatalog {
  /** By the names that were asked for, as far as they exist. */
  readonly byName: ReadonlyMap<string, CatalogTable>;
  readonly keys: readonly CatalogKey[];
}

/**
 * Reads the tables of the given quoted names, every foreign key of the database and the tables that these lead to. A key that only
 * one partition has counts as one of the partitioned table. Runs four short queries, or three without indexes, and one more for views and inherited tables.
 *
 * @internal
 */
export async function readPgCatalog(
  reader: CatalogReader,
  names: readonly string[],
  { indexes, fingerprints }: { readonly indexes: boolean; readonly fingerprints: boolean },
): Promise<PgCatalog> {
  const keys = await reader.read<ForeignKeyRow>(readForeignKeys(fingerprints));
  const ends = [
    ...new Set(keys.flatMap(({ from, fromRoot, to, toRoot }) => [from, fromRoot ?? from, to, toRoot ?? to])),
  ];
  const rows = await reader.read<TableRow>(readTables(names, ends, reader.quote));
  const tables = new Map(rows.map((row) => [row.id, new CatalogTable(row)]));
  const ids = [...tables.keys()];
  for (const column of await reader.read<ColumnRow>(readColumns(ids))) {
    tables.get(column.table)!.addColumn(column);
  }
  for (const index of indexes ? await reader.read<IndexRow>(readIndexes(ids)) : []) {
    tables.get(index.table)!.indexes.push(index);
  }
  const above = rows.filter(({ isView, isInherited }) => isView || isInherited).map(({ id }) => id);
  for (const { of, table } of above.length > 0 ? await reader.read<TableBelowRow>(readTablesBelow(above)) : []) {
    tables.get(of)!.boundWith(tables.get(table));
  }
  for (const { id, root } of rows) {
    tables.get(id)!.boundWith(tables.get(root ?? id));
  }
  const named = rows[0]?.named ?? [];
  return {
    byName: new Map(names.flatMap((name, i) => (named[i] ? [[name, tables.get(named[i])!]] : []))),
    keys: keys.flatMap((key) => toKey(key, tables) ?? []).toSorted(byConstraint),
  };
}

/** A table of the database with its columns and indexes, or a view or a partition that an entity is mapped to. @internal */
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
  readonly isView: boolean;
  readonly isFiltered: boolean;
  readonly hasPolicies: boolean;
  readonly indexes: IndexRow[] = [];
  /** The tables that hold its rows' foreign keys, and to which keys lead, instead of itself: those below a view, the root of a partition; or besides itself: tables that inherit it. */
  readonly bound: CatalogTable[] = [];
  readonly #byNumber = new Map<number, ColumnRow>();
  readonly #byName = new Map<string, ColumnRow>();

  constructor(row: TableRow) {
    this.id = String(row.id);
    this.name = `${row.quotedSchema}.${row.quotedRelation}`;
    this.label = row.schema === 'public' ? row.relation : `${row.schema}.${row.relation}`;
    this.relation = row.relation;
    this.pages = row.pages;
    this.isPartitioned = row.isPartitioned;
    this.isPartition = row.root !== null;
    this.isView = row.isView;
    this.isFiltered = row.isFiltered;
    this.hasPolicies = row.hasPolicies;
  }

  /** @param table - nothing, if no foreign key leads to it and it holds none: then it matters to nobody */
  boundWith(table: CatalogTable | undefined): void {
    if (table && table !== this) {
      this.bound.push(table);
    }
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

const ACTIONS: Readonly<Record<string, DeleteRule>> = { r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' };

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
    fingerprint: key.fingerprint ?? '',
  };
}

/** So that a plan reads the same however the catalog lies. */
function byConstraint(one: CatalogKey, other: CatalogKey): number {
  const [left, right] = [one, other].map(({ constraint, from }) => `${constraint} ${from.name}`);
  return left! < right! ? -1 : 1;
}

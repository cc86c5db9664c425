import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { hasTable } from '../metadata/has-table.js';
import { mappedTables } from '../metadata/mapped-tables.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { arrayText } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { byBytes } from './by-bytes.js';
import { CascadeCatalog } from './cascade-catalog.js';
import { KeptFacts } from './kept-facts.js';
import { keyFingerprintSql } from './key-fingerprint-sql.js';
import { type CatalogKey, type CatalogTable, type PgCatalog, readPgCatalog } from './catalog/read-pg-catalog.js';

/** A foreign key of the database that points at a table of an entity. @internal */
export interface ForeignKey extends CatalogKey {
  /** The entity of the table that holds the key, if the ORM maps it; in a hierarchy, the class whose own table it is. */
  readonly entity: EntityMetadata | undefined;
}

/** The keys that point at tables, and the condition that there are no others by now. @internal */
export interface KeysTo {
  of(meta: EntityMetadata): ForeignKey[];
  readonly isFresh: SqlFragment;
}

/**
 * What the database says about its foreign keys.
 *
 * @internal
 */
export class ForeignKeyFacts {
  readonly #entities: ReadonlyMap<CatalogTable, EntityMetadata>;
  #cascades: CascadeCatalog | undefined;

  /** @param place - the database and the schemas that names without one are looked for in */
  constructor(
    em: EntityManager,
    private readonly catalog: PgCatalog,
    private readonly place: readonly string[],
  ) {
    const mapped = mappedTables(em.getMetadata()).flatMap((meta) =>
      this.#tableOf(em, meta).map((table) => [table, meta] as const),
    );
    const marked = SoftDeleteCatalog.of(em);
    const bound = mapped.flatMap(([table, meta]) =>
      marked.findMarked(meta) ? table.bound.map((other) => [other, meta] as const) : [],
    );
    this.#entities = new Map([...bound, ...mapped]);
  }

  /**
   * The keys that point at the tables of entities.
   *
   * @throws SoftDeleteConfigError if they point at a column that the view of an entity does not show
   */
  keysTo(em: EntityManager, metas: readonly EntityMetadata[]): KeysTo {
    const named = metas.flatMap((meta) => this.#tableOf(em, meta));
    const bound = named.flatMap((table) => table.bound);
    const tables = new Set([...named, ...bound]);
    const names = [...metas.map((meta) => tableName(em, meta)), ...bound.map(({ name }) => name)];
    return {
      of: (meta) => {
        const [table] = this.#tableOf(em, meta);
        const keys = table ? this.catalog.keys.filter(({ to }) => to === table || table.bound.includes(to)) : [];
        if (table?.isView && keys.some(({ toColumns }) => toColumns.some((column) => !table.typeOf(column)))) {
          throw rowsOfView(meta);
        }
        return keys.map((key) => ({ ...key, entity: this.#entities.get(key.from) }));
      },
      isFresh: this.#isFresh(
        `coalesce(pg_partition_root(k.confrelid), k.confrelid)::oid = any(array[${names.map(() => 'to_regclass(?)::oid').join(', ')}]::oid[])`,
        names,
        ({ to }) => tables.has(to),
      ),
    };
  }

  /** The keys along which the database removes soft-deletable rows, and the condition that there are no others by now. */
  cascades(em: EntityManager): { readonly catalog: CascadeCatalog; readonly isFresh: SqlFragment } {
    this.#cascades ??= new CascadeCatalog(
      this.catalog.keys.filter(({ action }) => action === 'cascade'),
      this.#entities,
      SoftDeleteCatalog.of(em),
      (name) => em.getPlatform().quoteIdentifier(name),
    );
    return {
      catalog: this.#cascades,
      isFresh: this.#isFresh("k.confdeltype = 'c'", [], ({ action }) => action === 'cascade'),
    };
  }

  #isFresh(among: string, params: readonly unknown[], covers: (key: CatalogKey) => boolean): SqlFragment {
    const known = this.catalog.keys.filter(covers).map(({ fingerprint }) => fingerprint);
    return {
      sql:
        `${PLACE_SQL} || array(select ${keyFingerprintSql()} collate "C" from pg_constraint as k ` +
        `where k.contype = 'f' and k.conparentid = 0 and ${among} order by 1) = cast(? as text[])`,
      params: [...params, arrayText([...this.place, ...known.toSorted(byBytes)])],
    };
  }

  #tableOf(em: EntityManager, meta: EntityMetadata): CatalogTable[] {
    const table = this.catalog.byName.get(tableName(em, meta));
    return table ? [table] : [];
  }
}

/** Foreign keys lead to the table below a view, and take rows along that nobody has asked for. @internal */
export function rowsOfView({ className, tableName: view }: EntityMetadata): SoftDeleteConfigError {
  return new SoftDeleteConfigError(
    `The entity ${className}`,
    `no row was removed: ${view} is a view, and foreign keys of the table below it may remove soft-deletable rows along.`,
    'Map the entity to the table itself, or change the deleteRule of these keys.',
  );
}

const PLACE_SQL = 'array[current_database()::text, current_schemas(false)::text]';

/** The foreign keys, as far as they are known. @internal */
export const foreignKeyFacts = new KeptFacts(read);

async function read(em: EntityManager, ctx: Transaction | undefined): Promise<ForeignKeyFacts> {
  const names = [...em.getMetadata()].filter(hasTable).map((meta) => tableName(em, meta));
  const reader = {
    read: <Row extends object>(sql: string) => execute<Row>(em, ctx as Transaction, sql),
    quote: (value: string | number) => em.getPlatform().quoteValue(value),
  };
  const [row] = await reader.read<{ place: string[] }>(`select ${PLACE_SQL} as place`);
  const catalog = await readPgCatalog(reader, [...new Set(names)], { indexes: false, fingerprints: true });
  return new ForeignKeyFacts(em, catalog, row!.place);
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { primaryColumns, type RelationEdge } from '../metadata/relation-graph.js';
import { SoftDeleteCatalog, type SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';
import type { KeyCompanion, KeyGraph, KeyReference, PurgeEntity, PurgeTable } from './key-graph.js';
import type { PurgeConnection } from './purge-connection.js';
import { type ForeignKeyRow, readForeignKeys } from './statements/read-foreign-keys.js';
import { readTables, type TableRow } from './statements/read-tables.js';

/**
 * Reads what the ORM's metadata and the live catalog know about the soft-deletable entities, their tables, and every key that
 * points at one of them, mapped or not. Runs three short queries.
 *
 * @throws SoftDeleteConfigError if an entity's table is not in the database, or rows could be hidden by row-level security
 * @internal
 */
export async function readKeyGraph(em: EntityManager, connection: PurgeConnection): Promise<KeyGraph> {
  const metas = [...em.getMetadata()].filter(
    (meta) => meta.tableName && meta.class && !meta.embeddable && !meta.virtual && !meta.view,
  );
  const wanted = [...new Set(metas.map((meta) => tableName(em, meta)))];
  const keys = await connection.read<ForeignKeyRow>(readForeignKeys());
  const mapped = await connection.read<TableRow>(readTables(wanted, connection.quote));
  const known = new Set(mapped.map(({ name }) => name));
  const unmapped = [...new Set(keys.flatMap(({ from, to }) => [from, to]))].filter((name) => !known.has(name));
  const foreign = unmapped.length > 0 ? await connection.read<TableRow>(readTables(unmapped, connection.quote)) : [];
  return new KeyGraphBuilder(em, wanted, mapped, foreign, keys).build();
}

class KeyGraphBuilder {
  readonly #byName = new Map<string, PurgeTable>();
  readonly #rows = new Map<PurgeTable, TableRow>();
  readonly #byWanted = new Map<string, PurgeTable>();
  readonly #references: Mutable<KeyReference>[] = [];
  readonly #companions: KeyCompanion[] = [];

  constructor(
    private readonly em: EntityManager,
    wanted: readonly string[],
    mapped: readonly TableRow[],
    foreign: readonly TableRow[],
    keys: readonly ForeignKeyRow[],
  ) {
    for (const row of mapped) {
      this.#byWanted.set(wanted[row.position - 1]!, this.#addTable(row));
    }
    foreign.forEach((row) => this.#addTable(row));
    for (const key of keys) {
      const from = this.#byName.get(key.from);
      const to = this.#byName.get(key.to);
      if (from && to) {
        this.#foreignKey(key, from, to);
      }
    }
  }

  build(): KeyGraph {
    const catalog = SoftDeleteCatalog.of(this.em);
    const entities = catalog.all().map((entry) => this.#entity(entry));
    for (const meta of this.em.getMetadata()) {
      if (meta.tptParent) {
        this.#inheritance(meta, meta.tptParent);
      }
    }
    for (const edge of catalog.graph.edges) {
      this.#relation(edge, catalog);
    }
    this.#refuseHiddenRows(entities);
    return { entities, references: this.#references, companions: this.#companions };
  }

  #foreignKey(key: ForeignKeyRow, from: PurgeTable, to: PurgeTable): void {
    this.#references.push({
      constraint: key.constraint,
      from,
      fromColumns: key.fromColumns.map((name) => this.#quote(name)),
      to,
      toColumns: key.toColumns.map((name) => this.#quote(name)),
      action: key.action,
      isIndexed: key.isIndexed,
      isEnforced: key.isEnforced,
      conditions: [],
      parts: [],
      isInheritance: false,
    });
  }

  /** A row that cannot be seen may need one that is due. */
  #refuseHiddenRows(entities: readonly PurgeEntity[]): void {
    const reached = new Set(entities.flatMap(({ tables }) => tables));
    for (const table of reached) {
      if (this.#rows.get(table)!.isFiltered) {
        throw new SoftDeleteConfigError(
          `The table ${table.label}`,
          'row-level security may hide rows of it from this database user.',
          'Purge as a user with BYPASSRLS: a row that cannot be seen may need one that is due.',
        );
      }
      this.#references.filter(({ to }) => to === table).forEach(({ from }) => reached.add(from));
    }
  }

  #addTable(row: TableRow): PurgeTable {
    const existing = this.#byName.get(row.name);
    if (existing) {
      return existing;
    }
    const table: PurgeTable = {
      id: row.id,
      name: row.name,
      label: row.label,
      key: row.primaryKey.map((name) => ({ name: this.#quote(name), type: row.columns[name]! })),
      pages: row.pages,
      isPartitioned: row.isPartitioned,
    };
    this.#byName.set(row.name, table);
    this.#rows.set(table, row);
    return table;
  }

  #entity(entry: SoftDeletableEntityMetadata): PurgeEntity {
    const { meta, column } = entry;
    const found = this.#table(meta);
    if (!found) {
      throw new SoftDeleteConfigError(
        `The entity ${entry.name}`,
        `its table ${tableName(this.em, meta)} is not in the database.`,
        'Run the migrations or `mikro-orm schema:update --run` first.',
      );
    }
    const row = this.#rows.get(found)!;
    const primary = primaryColumns(meta);
    const missing = [column, ...primary].find((name) => row.columns[name] === undefined);
    if (missing !== undefined) {
      throw new SoftDeleteConfigError(
        `The entity ${entry.name}`,
        `its table ${found.name} has no column ${JSON.stringify(missing)}.`,
        'Run the migrations or `mikro-orm schema:update --run` first.',
      );
    }
    const table = found as Mutable<PurgeTable>;
    table.key = primary.map((name) => ({ name: this.#quote(name), type: row.columns[name]! }));
    const index = JSON.stringify([column, ...primary]);
    return {
      name: entry.name,
      meta,
      table,
      deletedAt: { name: this.#quote(column), type: row.columns[column]! },
      retention: entry.retention,
      hasPurgeIndex: row.deletedIndexes.some(
        (columns) => JSON.stringify(columns.slice(0, primary.length + 1)) === index,
      ),
      tables: [...this.em.getMetadata()]
        .filter((other) => other === meta || (other.root === meta && other.tptParent))
        .map((other) => this.#table(other))
        .filter((other) => other !== undefined),
    };
  }

  #inheritance(child: EntityMetadata, parent: EntityMetadata): void {
    const from = this.#table(child);
    const to = this.#table(parent);
    if (!from || !to || from === to) {
      return;
    }
    this.#reference(
      `${child.className} extends ${parent.className}`,
      from,
      primaryColumns(child),
      to,
      primaryColumns(parent),
      [],
    ).isInheritance = true;
  }

  #relation(edge: RelationEdge, catalog: SoftDeleteCatalog): void {
    const { link } = edge;
    const holder = this.#table(link.table);
    const parent = this.#table(edge.parent);
    const child = this.#table(edge.child);
    if (!holder || !parent || !child) {
      return;
    }
    const childIsPart = edge.policy === 'cascade' && !catalog.find(edge.child);
    switch (link.kind) {
      case 'child-key': {
        const reference = this.#reference(
          edge.name,
          holder,
          link.columns,
          parent,
          link.referenced,
          edge.linkConditions,
        );
        if (childIsPart) {
          reference.parts = [...reference.parts, [...edge.childConditions, ...edge.linkConditions]];
        }
        return;
      }
      case 'pivot': {
        if (!catalog.find(link.table)) {
          const toParent = this.#reference(edge.name, holder, link.parentColumns, parent, link.parentReferenced, []);
          const toChild = this.#reference(edge.name, holder, link.childColumns, child, link.childReferenced, []);
          toParent.parts = [[]];
          toChild.parts = [[]];
        }
        if (childIsPart) {
          this.#companions.push({
            relation: edge.name,
            table: child,
            tableColumns: link.childReferenced.map((name) => this.#quote(name)),
            holder,
            holderColumns: link.childColumns.map((name) => this.#quote(name)),
            pivot: {
              columns: link.parentColumns.map((name) => this.#quote(name)),
              referenced: link.parentReferenced.map((name) => this.#quote(name)),
            },
            conditions: edge.childConditions,
            owner: parent,
          });
        }
        return;
      }
      case 'parent-key':
        if (childIsPart) {
          this.#companions.push({
            relation: edge.name,
            table: child,
            tableColumns: link.referenced.map((name) => this.#quote(name)),
            holder,
            holderColumns: link.columns.map((name) => this.#quote(name)),
            conditions: edge.linkConditions,
            owner: parent,
          });
        }
    }
  }

  /** The foreign key over the columns, or a reference that only the ORM knows. */
  #reference(
    name: string,
    from: PurgeTable,
    fromColumns: readonly string[],
    to: PurgeTable,
    toColumns: readonly string[],
    conditions: KeyReference['conditions'],
  ): Mutable<KeyReference> {
    const columns = fromColumns.map((column) => this.#quote(column));
    const same = (other: KeyReference) =>
      other.from === from &&
      other.to === to &&
      JSON.stringify(other.conditions) === JSON.stringify(other.action === 'none' ? conditions : []) &&
      other.fromColumns.length === columns.length &&
      columns.every((column) => other.fromColumns.includes(column));
    const existing = this.#references.find(same);
    if (existing) {
      return existing;
    }
    const reference: KeyReference = {
      constraint: name,
      from,
      fromColumns: columns,
      to,
      toColumns: toColumns.map((column) => this.#quote(column)),
      action: 'none',
      isIndexed: true,
      isEnforced: false,
      conditions,
      parts: [],
      isInheritance: false,
    };
    this.#references.push(reference);
    return reference;
  }

  #table(meta: EntityMetadata): PurgeTable | undefined {
    return this.#byWanted.get(tableName(this.em, meta));
  }

  #quote(name: string): string {
    return this.em.getPlatform().quoteIdentifier(name);
  }
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { hasTable } from '../../metadata/has-table.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog, type SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import {
  type CatalogKey,
  type CatalogTable,
  type PgCatalog,
  readPgCatalog,
} from '../../postgres/catalog/read-pg-catalog.js';
import { tableName } from '../../sql/table-name.js';
import { hasNoSchema } from './has-no-schema.js';
import type { KeyCompanion, KeyGraph, KeyReference, PurgeColumn, PurgeEntity, PurgeTable } from './key-graph.js';
import { keepArchivedRows } from './keep-archived-rows.js';
import { partConditions } from './part-conditions.js';
import { refuseHiddenRows } from './refuse-hidden-rows.js';
import { findUnreachable } from './find-unreachable.js';
import type { PurgeConnection } from '../connection/purge-connection.js';

/**
 * Reads what the ORM's metadata and the live catalog know about the soft-deletable entities, their tables, and every key that
 * points at one of them, mapped or not. Runs four short queries.
 *
 * @param needed - the names of the entities whose tables have to be there, if not all
 * @throws SoftDeleteConfigError if an entity's table is not in the database, or rows could be hidden by row-level security
 * @internal
 */
export async function readKeyGraph(
  em: EntityManager,
  connection: PurgeConnection,
  needed?: readonly string[],
): Promise<KeyGraph> {
  const metas = [...em.getMetadata()].filter((meta) => hasTable(meta) && !hasNoSchema(em, meta));
  const names = [...new Set(metas.map((meta) => tableName(em, meta)))];
  return new KeyGraphBuilder(em, await readPgCatalog(connection, names, { indexes: true, fingerprints: false })).build(
    needed,
  );
}

class KeyGraphBuilder {
  readonly #tables = new Map<CatalogTable, PurgeTable>();
  readonly #known = new Map<PurgeTable, CatalogTable>();
  readonly #references: Mutable<KeyReference>[] = [];
  readonly #companions: KeyCompanion[] = [];

  constructor(
    private readonly em: EntityManager,
    private readonly database: PgCatalog,
  ) {
    database.keys.forEach((key) => this.#foreignKey(key));
  }

  build(needed?: readonly string[]): KeyGraph {
    const catalog = SoftDeleteCatalog.of(this.em);
    const unreachable = catalog.all().flatMap((entry) => findUnreachable(this.em, this.database, entry));
    const reachable = catalog.all().filter((entry) => !unreachable.some((other) => other.entry === entry));
    const entities = reachable
      .filter(({ name, meta }) => !needed || needed.includes(name) || this.#table(meta))
      .map((entry) => this.#entity(entry));
    for (const meta of this.em.getMetadata()) {
      if (meta.tptParent) {
        this.#inheritance(meta, meta.tptParent);
      }
    }
    for (const edge of catalog.graph.edges) {
      this.#relation(edge, catalog);
    }
    keepArchivedRows(this.em, catalog, this.#references, (meta) => this.#table(meta));
    const tables = entities.flatMap((entity) => entity.tables);
    refuseHiddenRows(tables, this.#references, (table) => this.#known.get(table)!.isFiltered);
    const foreign = this.#foreign(catalog, entities);
    return { entities, references: this.#references, companions: this.#companions, foreign, unreachable };
  }

  #foreign(catalog: SoftDeleteCatalog, entities: readonly PurgeEntity[]): PurgeTable[] {
    const names = [...this.em.getMetadata()]
      .filter((meta) => meta.schema === '*' && meta.class && catalog.find(meta))
      .map(({ tableName: name }) => name);
    const bound = catalog.all().flatMap(({ meta }) => this.database.byName.get(tableName(this.em, meta))?.bound ?? []);
    const own = new Set(entities.flatMap(({ tables }) => tables));
    return [...this.#known]
      .filter(([table, known]) => (names.includes(known.relation) || bound.includes(known)) && !own.has(table))
      .map(([table]) => table);
  }

  #foreignKey(key: CatalogKey): void {
    this.#references.push({
      constraint: key.constraint,
      from: this.#toTable(key.from),
      fromColumns: this.#quoted(key.fromColumns),
      to: this.#toTable(key.to),
      toColumns: this.#quoted(key.toColumns),
      action: key.action,
      isIndexed: key.isIndexed,
      isEnforced: key.isEnforced,
      isOff: key.isOff,
      conditions: [],
      parts: [],
      isInheritance: false,
    });
  }

  #toTable(known: CatalogTable): PurgeTable {
    const existing = this.#tables.get(known);
    if (existing) {
      return existing;
    }
    const { id, name, label, pages, isPartitioned } = known;
    const table: PurgeTable = {
      id,
      name,
      label,
      key: known.primaryKey.map((column) => this.#column(known, column)),
      pages,
      isPartitioned,
    };
    this.#tables.set(known, table);
    this.#known.set(table, known);
    return table;
  }

  #column(table: CatalogTable, name: string): PurgeColumn {
    return { name: this.em.getPlatform().quoteIdentifier(name), type: table.typeOf(name)! };
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
    const known = this.#known.get(found)!;
    const primary = primaryColumns(meta);
    const missing = [column, ...primary].find((name) => known.typeOf(name) === undefined);
    if (missing !== undefined) {
      throw new SoftDeleteConfigError(
        `The entity ${entry.name}`,
        `its table ${found.name} has no column ${JSON.stringify(missing)}.`,
        'Run the migrations or `mikro-orm schema:update --run` first.',
      );
    }
    const table = found as Mutable<PurgeTable>;
    table.key = primary.map((name) => this.#column(known, name));
    return {
      name: entry.name,
      meta,
      table,
      deletedAt: this.#column(known, column),
      retention: entry.retention,
      hasPurgeIndex: known.isOrderedBy([column, ...primary]),
      tables: tablesOf(this.em.getMetadata(), meta)
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

  #relation(edge: GraphRelation, catalog: SoftDeleteCatalog): void {
    const { link } = edge;
    const holder = this.#table(link.table);
    const parent = this.#table(edge.parent);
    const child = this.#table(edge.child);
    if (!holder || !parent || !child) {
      return;
    }
    const childIsPart = takesAlong(edge) && !catalog.findMarked(edge.child);
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
          const rows = partConditions(this.em, edge, link.table);
          reference.parts = [...reference.parts, [...rows, ...edge.linkConditions]];
        }
        return;
      }
      case 'pivot': {
        if (!catalog.find(link.table)) {
          const sided = (side: string) => (link.polymorphicSide === side ? edge.linkConditions : []);
          const { parentColumns, parentReferenced, childColumns, childReferenced } = link;
          const toParent = this.#reference(edge.name, holder, parentColumns, parent, parentReferenced, sided('parent'));
          const toChild = this.#reference(edge.name, holder, childColumns, child, childReferenced, sided('child'));
          toParent.parts = [[]];
          toChild.parts = [[]];
        }
        if (childIsPart) {
          this.#companion(edge, child, holder, parent, {
            tableColumns: this.#quoted(link.childReferenced),
            holderColumns: this.#quoted(link.childColumns),
            pivot: {
              columns: this.#quoted(link.parentColumns),
              referenced: this.#quoted(link.parentReferenced),
            },
          });
        }
        return;
      }
      case 'parent-key':
        if (childIsPart) {
          this.#companion(edge, child, holder, parent, {
            tableColumns: this.#quoted(link.referenced),
            holderColumns: this.#quoted(link.columns),
          });
        }
    }
  }

  #companion(
    edge: GraphRelation,
    table: PurgeTable,
    holder: PurgeTable,
    owner: PurgeTable,
    keys: Pick<KeyCompanion, 'tableColumns' | 'holderColumns' | 'pivot'>,
  ): void {
    const conditions = partConditions(this.em, edge, edge.child);
    const { name: relation, linkConditions: holderConditions } = edge;
    this.#companions.push({ relation, table, holder, holderConditions, conditions, owner, ...keys });
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
    const columns = this.#quoted(fromColumns);
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
      toColumns: this.#quoted(toColumns),
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
    const known = hasNoSchema(this.em, meta) ? undefined : this.database.byName.get(tableName(this.em, meta));
    return known && this.#toTable(known);
  }

  #quoted(names: readonly string[]): string[] {
    return names.map((name) => this.em.getPlatform().quoteIdentifier(name));
  }
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

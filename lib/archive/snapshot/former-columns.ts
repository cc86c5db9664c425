import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * What the columns of archived rows are called today.
 *
 * A column that was renamed may have left its name to a new one. Rows that were archived before have the old name alone, later ones have both:
 * so a value is the new column's where the row has one under the name that the old column took as well, and that is its own.
 *
 * @internal
 */
export class FormerColumns {
  readonly #renamed: ReadonlyMap<string, string>;
  /** Those that the table no longer has, or has again. */
  readonly dropped: ReadonlySet<string>;

  /** @param columns - those that the table has today */
  constructor(
    catalog: SoftDeleteCatalog,
    meta: EntityMetadata,
    private readonly columns: ReadonlySet<string>,
  ) {
    const own = catalog.findArchived(meta);
    const entries = own ? [own] : ownersOf(catalog, meta);
    const renamed = new Map(entries.flatMap((entry) => [...entry.renamed]));
    const dropped = new Set(entries.flatMap((entry) => [...entry.dropped]).filter((name) => own ?? !columns.has(name)));
    const isElsewhere = (name: string): boolean => {
      const next = renamed.get(name);
      return next === undefined || (!(columns.has(next) || dropped.has(next)) && isElsewhere(next));
    };
    // Other tables have their names in the same mark: those of a hierarchy, and of rows that go along without one.
    const isOther = (name: string) => columns.has(name) && (!own || isElsewhere(name));
    this.#renamed = new Map([...renamed].filter(([name]) => !isOther(name)));
    this.dropped = dropped;
  }

  /** The same of an entity's table as the ORM maps it. */
  static mapped(em: EntityManager, table: EntityMetadata): FormerColumns {
    const classes = [...em.getMetadata()].filter(
      ({ root, tableName }) => root === table.root && tableName === table.tableName,
    );
    const names = classes.flatMap(({ props }) => props.flatMap(({ fieldNames }) => fieldNames ?? []));
    return new FormerColumns(SoftDeleteCatalog.of(em), table, new Set(names));
  }

  /**
   * The column that a value goes to.
   *
   * @param names - those that the row has values for
   * @returns nothing if the table has none for it, or several values would go there
   */
  currentName(name: string, names: ReadonlySet<string>): string | undefined {
    const column = this.#goalOf(name, names);
    const rivals = this.#formersOf(column ?? name).filter((of) => names.has(of) && this.#goalOf(of, names) === column);
    const kept = rivals.length > 1 ? rivals.filter((of) => !this.dropped.has(of)) : rivals;
    return kept.length === 1 && kept[0] === name ? column : undefined;
  }

  #goalOf(name: string, names: ReadonlySet<string>): string | undefined {
    let current = this.#renamed.get(name);
    if (this.columns.has(name)) {
      if (this.#isOwn(name, names)) {
        return name;
      }
      // Rows from before and after a column took the name of one that was dropped look the same.
      if (names.has(current!) && this.dropped.has(current!)) {
        return undefined;
      }
    }
    // A column may have been renamed more than once.
    while (current !== undefined && !this.columns.has(current)) {
      current = this.#renamed.get(current);
    }
    return current;
  }

  /** Whether a value is that of the column which has its name today. */
  #isOwn(name: string, names: ReadonlySet<string>): boolean {
    const next = this.#renamed.get(name);
    return next === undefined || (names.has(next) && !this.dropped.has(next) && this.#isOwn(next, names));
  }

  #isOwnSql(em: EntityManager, name: string): string {
    const next = this.#renamed.get(name);
    return next === undefined ? hasSql(em, name) : `${hasSql(em, name)} and ${this.#isOwnSql(em, next)}`;
  }

  /** The names that a column may have in rows, before its own those that it had before. One that a column has today leads no further back. */
  #formersOf(column: string): string[] {
    const found = new Set([column]);
    for (const name of found) {
      if (name === column || !this.columns.has(name)) {
        this.#renamed.forEach((next, former) => next === name && found.add(former));
      }
    }
    const names = [...[...found].slice(1), column];
    const isDropped = (name: string) => this.dropped.has(name);
    return [...names.filter((name) => !isDropped(name)), ...names.filter(isDropped)];
  }

  /** Whether rows have a value of a column under a name, unless they have one under another name that comes first. */
  #mayBeSql(em: EntityManager, name: string, column: string): string {
    if (name === column) {
      return this.#isOwnSql(em, name);
    }
    return this.columns.has(name) ? `${hasSql(em, name)} and not (${this.#isOwnSql(em, name)})` : hasSql(em, name);
  }

  /** The text that rows `a` of the archive have for a column of their table today. */
  textSql(em: EntityManager, column: string): string {
    const names = this.#formersOf(column);
    if (names.length === 1 && !this.#renamed.has(column)) {
      return valueSql(em, column);
    }
    const cases = names.map((name) => ` when ${this.#mayBeSql(em, name, column)} then ${valueSql(em, name)}`);
    return `(case${cases.join('')} end)`;
  }

  /** The same as a condition: whether the value that the row has under a name is that of a column. */
  isOfSql(em: EntityManager, name: string, column: string): string {
    const names = this.#formersOf(column);
    const before = names.slice(0, names.indexOf(name)).map((of) => ` and not (${this.#mayBeSql(em, of, column)})`);
    return `${this.#mayBeSql(em, name, column)}${before.join('')}`;
  }

  /** The names under which rows may have a value of a column. */
  namesOf(column: string): string[] {
    return this.#formersOf(column);
  }
}

/** The archived entities whose rows take rows of a table along, perhaps by way of others: these have no mark of their own. */
function ownersOf(catalog: SoftDeleteCatalog, meta: EntityMetadata, seen = new Set([meta])): ArchivedEntityMetadata[] {
  return catalog.graph.edges
    .filter(({ child, link }) => link.table === meta || child.root === meta.root)
    .flatMap(({ parent: { root }, child }) => {
      const owner = catalog.findArchived(root) ?? catalog.findArchived(child);
      return owner ?? (seen.has(root) ? [] : ownersOf(catalog, root, seen.add(root)));
    });
}

function hasSql(em: EntityManager, name: string): string {
  return `jsonb_exists(a."data", ${em.getPlatform().quoteValue(name)})`;
}

/** The text of a column's value in rows `a` of the archive, under the name it has there. @internal */
export function valueSql(em: EntityManager, column: string): string {
  return `(a."data" ->> ${em.getPlatform().quoteValue(column)})`;
}

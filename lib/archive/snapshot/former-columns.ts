import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * What the columns of archived rows are called today.
 *
 * A column that was renamed may have left its name to a new one. Rows that were archived before have the old name alone, later ones have both:
 * so a value is the new column's where the row has one under the name that the old column took as well.
 *
 * @internal
 */
export class FormerColumns {
  readonly #renamed: ReadonlyMap<string, string>;

  /** @param columns - those that the table has today */
  constructor(
    catalog: SoftDeleteCatalog,
    meta: EntityMetadata,
    private readonly columns: ReadonlySet<string>,
  ) {
    this.#renamed = catalog.findArchived(meta)?.renamed ?? new Map();
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
   * @returns nothing if the table has none for it
   */
  currentName(name: string, names: ReadonlySet<string>): string | undefined {
    const next = this.#renamed.get(name);
    if (this.columns.has(name) && (next === undefined || names.has(next))) {
      return name;
    }
    // A column may have been renamed more than once.
    for (let current = next, seen = new Set([name]); current !== undefined && !seen.has(current);) {
      if (this.columns.has(current)) {
        return current;
      }
      seen.add(current);
      current = this.#renamed.get(current);
    }
    return undefined;
  }

  /** The names that a column had before, the latest first. One that a column has today leads no further back. */
  #formerNames(column: string): string[] {
    const found = new Set([column]);
    for (const name of found) {
      if (name === column || !this.columns.has(name)) {
        this.#renamed.forEach((next, former) => next === name && found.add(former));
      }
    }
    return [...found].slice(1);
  }

  /** The text that rows `a` of the archive have for a column of their table today. */
  textSql(em: EntityManager, column: string): string {
    const own = valueSql(em, column);
    const next = this.#renamed.get(column);
    const formers = this.#formerNames(column);
    if (next === undefined && formers.length === 0) {
      return own;
    }
    const has = (name: string) => `jsonb_exists(a."data", ${em.getPlatform().quoteValue(name)})`;
    const isOwn = next === undefined ? has(column) : `${has(column)} and ${has(next)}`;
    const others = formers.map((former) => ` when ${has(former)} then ${valueSql(em, former)}`);
    return `(case when ${isOwn} then ${own}${others.join('')} end)`;
  }

  /** The same as a condition: whether the value that the row has under a name is that of a column. */
  isOfSql(em: EntityManager, name: string, column: string): string {
    const has = (of: string) => `jsonb_exists(a."data", ${em.getPlatform().quoteValue(of)})`;
    const next = this.#renamed.get(column);
    const formers = this.#formerNames(column);
    const isOwn = next === undefined ? has(column) : `${has(column)} and ${has(next)}`;
    if (name === column) {
      return isOwn;
    }
    const before = formers.slice(0, formers.indexOf(name)).map(has);
    return `${has(name)} and not (${[isOwn, ...before].map((sql) => `(${sql})`).join(' or ')})`;
  }

  /** The names under which rows may have a value of a column. */
  namesOf(column: string): string[] {
    return [column, ...this.#formerNames(column)];
  }
}

/** The text of a column's value in rows `a` of the archive, under the name it has there. @internal */
export function valueSql(em: EntityManager, column: string): string {
  return `(a."data" ->> ${em.getPlatform().quoteValue(column)})`;
}

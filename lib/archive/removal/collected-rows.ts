import type { EntityMetadata } from '@mikro-orm/core';
import { identify, type RowKey, RowSet } from '../../sql/row-set.js';

/** How a row of the unit is named where another one points at it. @internal */
export function rowName(meta: EntityMetadata, key: RowKey): string {
  return `${meta.root.className}:${identify(key)}`;
}

/**
 * The rows that one operation is about to archive, each with the rows that take it along.
 *
 * @internal
 */
export class CollectedRows {
  readonly rows = new RowSet();
  readonly #owners = new Map<string, Set<string>>();
  readonly #belongsTo = new Map<string, string>();

  /** Adds rows that were asked for. @returns those that are new */
  add(meta: EntityMetadata, keys: Iterable<RowKey>): Promise<RowKey[]> {
    return this.rows.add(meta, keys);
  }

  /**
   * Adds a row that another one takes along.
   *
   * @param entity - the archived entity that rows of the other's kind belong to
   */
  own(meta: EntityMetadata, key: RowKey, owner: string, entity: string): void {
    const name = rowName(meta, key);
    const owners = this.#owners.get(name) ?? new Set();
    owners.add(owner);
    this.#owners.set(name, owners);
    if (!this.#belongsTo.has(name)) {
      this.#belongsTo.set(name, entity);
    }
  }

  owners(name: string): readonly string[] {
    return [...(this.#owners.get(name) ?? [])];
  }

  /** The archived entity that a row was removed along with. */
  belongsTo(name: string): string | undefined {
    return this.#belongsTo.get(name);
  }
}

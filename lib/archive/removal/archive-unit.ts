import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../../errors/deletion-restriction.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import { getInstallation } from '../../installation/installation.js';
import { findHeld, forgetRemoved, type HeldEntities } from '../../memory/forget-removed.js';
import type { Undo } from '../../memory/managed-entities.js';
import { tablesOf } from '../../metadata/mapped-tables.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { RowKey } from '../../sql/row-set.js';
import { identify } from '../../sql/row-set.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { CollectedRows } from './collected-rows.js';
import { collectBehind, collectBehindSoft, type Level, type SoftFollower } from './collect-rows.js';
import { collectPivotRows } from './collect-pivot-rows.js';
import { markDetached, unmarkDetached } from '../reading/detached-rows.js';
import { requireOwnTable } from './require-own-table.js';
import { findHidden, findReferences } from './find-references.js';
import { syncCleared } from '../snapshot/sync-relinked.js';
import { readShapes } from '../../postgres/table-shape.js';
import { withExactText } from '../snapshot/with-exact-text.js';
import type { ArchivedLink } from '../snapshot/archived-link.js';
import { writeSnapshots } from '../snapshot/write-snapshots.js';

/**
 * The part of a unit that leaves its tables for the archive: collected while the unit grows, and removed once it is complete.
 *
 * @internal
 */
export class ArchiveUnit {
  readonly #collected = new CollectedRows();
  readonly #catalog: SoftDeleteCatalog;
  #pending: Level = new Map();
  #followers: SoftFollower[] = [];
  #held: HeldEntities[] = [];
  #links: ReadonlyMap<string, readonly ArchivedLink[]> = new Map();

  constructor(
    private readonly em: EntityManager,
    private readonly ctx: Transaction,
    private readonly unit: UnitTime,
  ) {
    this.#catalog = getInstallation(em).catalog;
  }

  get isEmpty(): boolean {
    return this.#collected.rows.entities().length === 0;
  }

  /** Adds locked rows that the deletion was asked for. @returns how many are new */
  async add(meta: EntityMetadata, keys: readonly RowKey[]): Promise<number> {
    const added = await this.#collected.add(meta, keys);
    this.#pending.set(meta.root, [...(this.#pending.get(meta.root) ?? []), ...added]);
    return added.length;
  }

  /**
   * Follows the relations from what was added and from soft-deleted rows of the unit.
   *
   * @param soft - the entities with soft-deleted rows that nothing was looked for behind
   * @returns the soft-deletable rows behind, which the caller deletes
   */
  async grow(soft: Iterable<SoftDeletableEntityMetadata>): Promise<Map<SoftDeletableEntityMetadata, RowKey[]>> {
    const level = this.#pending;
    this.#pending = new Map();
    for (const [root, keys] of await collectBehindSoft(
      this.em,
      this.ctx,
      this.#catalog,
      this.#collected,
      soft,
      this.unit,
    )) {
      level.set(root, [...(level.get(root) ?? []), ...keys]);
    }
    const followers = await collectBehind(this.em, this.ctx, this.#catalog, this.#collected, level);
    this.#followers.push(...followers);
    const byEntry = Map.groupBy(followers, ({ entry }) => entry);
    return new Map([...byEntry].map(([entry, group]) => [entry, group.map(({ key }) => key)]));
  }

  /**
   * Moves the rows to the archive, unless something that stays points at one of them.
   *
   * @returns what restricts the deletion: then nothing may stay removed
   */
  async remove(context: DeletionContext): Promise<readonly DeletionRestriction[]> {
    const { em, ctx } = this;
    const collected = this.#collected;
    if (this.isEmpty) {
      return [];
    }
    await collectPivotRows(em, ctx, this.#catalog.graph, collected);
    for (const [root] of this.counts()) {
      // Later the database could not say which keys are the same.
      this.#held.push(await findHeld(em, ctx, root, collected.rows));
    }
    return withExactText(em, ctx, async () => {
      const references = await findReferences(em, ctx, this.#catalog, collected);
      const { restrictions, links } = references;
      if (restrictions.length === 0) {
        const tables = collected.rows.entities().flatMap((root) => tablesOf(em.getMetadata(), root));
        const shapes = await readShapes(em, ctx, tables);
        shapes.forEach((columns, table) => requireOwnTable(table, columns));
        this.#links = links;
        const all = this.#withFollowers(links);
        const kept = await writeSnapshots(em, ctx, collected, shapes, { ...context, unit: this.unit, links: all });
        return kept.length > 0 ? kept : findHidden(em, ctx, this.#catalog, collected, references);
      }
      return restrictions;
    });
  }

  /** Tells memory that the rows are gone, and the keys that pointed at them. @returns how that is taken back */
  async forget(): Promise<Undo> {
    const undo = this.#held.map((entities) => forgetRemoved(entities));
    undo.push(await syncCleared(this.em, this.ctx, this.#links));
    const gone = this.#held.flatMap((held) => [...held.values()].flat());
    gone.forEach(markDetached);
    undo.push(() => gone.forEach(unmarkDetached));
    return () => undo.toReversed().forEach((step) => step());
  }

  /** How many rows of each entity leave their table. Rows of pivot tables do not count. */
  counts(): [EntityMetadata, number][] {
    const { rows } = this.#collected;
    return rows
      .entities()
      .filter(({ pivotTable }) => !pivotTable)
      .map((root) => [root, rows.count(root)]);
  }

  keys(root: EntityMetadata): RowKey[] {
    return this.#collected.rows.keys(root);
  }

  #withFollowers(links: ReadonlyMap<string, readonly ArchivedLink[]>): Map<string, ArchivedLink[]> {
    const all = new Map([...links].map(([name, of]) => [name, [...of]]));
    for (const { entry, key, owner } of this.#followers) {
      const taken = { entity: entry.name, id: identify(key) };
      all.set(owner, [...(all.get(owner) ?? []), taken]);
    }
    return all;
  }
}

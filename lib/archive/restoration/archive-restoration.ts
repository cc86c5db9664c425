import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { getInstallation } from '../../installation/installation.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { AskedSnapshots } from '../reading/asked-snapshots.js';
import { findMissingParents } from './find-missing-parents.js';
import type { MissingParent } from './missing-parent.js';
import { findTakenValues } from './find-taken-values.js';
import { insertSnapshots } from './insert-snapshots.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { lockOwned, lockOwners, lockSnapshots, type UnitMember } from './lock-snapshots.js';
import type { OwnerLock } from './lock-owners.js';
import { type ColumnMismatch, type MatchedRows, matchColumns } from './match-columns.js';
import { type Relinked, relinkRows } from './relink-rows.js';
import { RestoredRows } from './restored-rows.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import { type Snapshot, SnapshotSet } from './snapshot-set.js';
import { readShapes, type TableColumn } from '../../postgres/table-shape.js';

/** A soft-deleted row that an archived one took along. @internal */
export interface SoftMember {
  readonly entity: string;
  readonly id: string;
  readonly unit: string;
}

/**
 * The part of a restoration that comes back from the archive.
 *
 * @internal
 */
export class ArchiveRestoration {
  readonly snapshots: SnapshotSet;
  readonly #catalog: SoftDeleteCatalog;
  #fresh: Snapshot[] = [];
  #shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]> = new Map();
  #matched: readonly MatchedRows[] = [];

  constructor(
    private readonly em: EntityManager,
    private readonly ctx: Transaction,
  ) {
    this.snapshots = new SnapshotSet(em.getMetadata());
    this.#catalog = getInstallation(em).catalog;
  }

  /** Locks the rows that the restoration was asked for. */
  async ask(asked: AskedSnapshots): Promise<void> {
    const { from, where, params } = await asked.resolve(this.em, this.ctx);
    const found = await lockSnapshots(this.em, this.ctx, where, params, from);
    this.#fresh.push(...this.snapshots.add(found));
  }

  /**
   * Locks what rows of the restoration took along, level by level.
   *
   * @param members - soft-deleted rows that nothing was looked for behind
   * @returns the soft-deleted rows among what they took along
   */
  async grow(members: readonly UnitMember[]): Promise<SoftMember[]> {
    const soft: SoftMember[] = [];
    let level: readonly UnitMember[] = [...members, ...this.#freshMembers(soft)];
    while (level.length > 0) {
      this.#fresh = this.snapshots.add(await lockOwned(this.em, this.ctx, level));
      level = this.#freshMembers(soft);
    }
    return soft;
  }

  #freshMembers(soft: SoftMember[]): UnitMember[] {
    for (const { links, unit } of this.#fresh) {
      for (const { entity, id, columns } of links ?? []) {
        if (entity && id && !columns) {
          soft.push({ entity, id, unit });
        }
      }
    }
    return this.#fresh.map(({ part, key, unit }) => {
      const root = this.snapshots.metaOf(part)?.root.className ?? part;
      return { name: `${root}:${key}`, unit };
    });
  }

  /** Adds a parent with the rows of its other tables and its links, but nothing that was deleted with it. @returns how many rows are new */
  async addParent(parent: EntityMetadata, key: string, unit: string): Promise<number> {
    const found = await lockSnapshots(
      this.em,
      this.ctx,
      `a."unit" = cast(? as timestamptz) and a."entity" = ? and (a."part" = ? and a."key" = ? or ? = any(a."owners"))`,
      [unit, parent.root.className, parent.root.className, key, `${parent.root.className}:${key}`],
    );
    const own = found.filter(({ part }) => {
      const meta = this.snapshots.metaOf(part);
      return meta && (meta.root === parent.root || meta.pivotTable);
    });
    return this.snapshots.add(own.filter(({ part, key: of }) => part !== parent.root.className || of === key)).length;
  }

  /** The archived rows that took soft-deleted ones along, and are not restored with them. */
  async ownersOf(meta: EntityMetadata, members: readonly UnitMember[]): Promise<Snapshot[]> {
    const owners = await lockOwners(this.em, this.ctx, meta, members);
    return owners.filter(({ part, key }) => !this.snapshots.has(part, key));
  }

  /** Rows with the columns that they go to, once they are compared. */
  get matched(): readonly MatchedRows[] {
    return this.#matched;
  }

  /** Compares the columns of the rows with those of their tables. @returns what keeps rows from coming back */
  async match(): Promise<RestoreConflict[]> {
    const { em, ctx } = this;
    const metas = this.snapshots.parts().flatMap((part) => this.snapshots.metaOf(part) ?? []);
    this.#shapes = await readShapes(em, ctx, metas);
    const { matched, mismatches } = await matchColumns(em, ctx, this.#catalog, this.snapshots, this.#shapes);
    this.#matched = matched;
    return this.#describe(mismatches);
  }

  #describe(mismatches: readonly ColumnMismatch[]): RestoreConflict[] {
    return mismatches.map(({ part, column, key }) => ({
      reason: 'schema',
      entity: part,
      key: key === undefined ? undefined : this.keyOf(part, key),
      column,
    }));
  }

  /** The parents that rows need; rows of pivot tables without both ends stay in the archive. */
  async missingParents(lock: OwnerLock): Promise<MissingParent[]> {
    const restored = new RestoredRows(this.em, this.#catalog, this.snapshots, this.#shapes);
    const missing = await findMissingParents(this.em, this.ctx, this.#catalog, restored, lock);
    const isLink = ({ part }: MissingParent) => this.snapshots.metaOf(part)!.pivotTable;
    missing.filter(isLink).forEach(({ part, key }) => this.snapshots.leave(part, key));
    return missing.filter((parent) => !isLink(parent));
  }

  takenValues(): Promise<RestoreConflict[]> {
    return findTakenValues(this.em, this.ctx, this.#catalog, this.snapshots, this.#shapes);
  }

  /** Moves the rows back. @returns the rows that point at them again, and what did not come back as it was: then nothing may stay done */
  async write(): Promise<{ relinked: Relinked[]; conflicts: RestoreConflict[] }> {
    const all = this.snapshots.parts().flatMap((part) => this.snapshots.of(part));
    const parts = new Set(this.snapshots.parts());
    const changed = await insertSnapshots(
      this.em,
      this.ctx,
      this.snapshots,
      this.#matched.filter(({ part }) => parts.has(part)),
    );
    return changed.length > 0
      ? { relinked: [], conflicts: this.#describe(changed) }
      : { relinked: await relinkRows(this.em, this.ctx, this.snapshots, all), conflicts: [] };
  }

  /** The key of a row as its entity has it. */
  keyOf(part: string, key: string): unknown {
    const meta = this.snapshots.metaOf(part);
    return meta ? keyFromTexts(this.em, meta, rowKeyOf(meta, key)) : key;
  }
}

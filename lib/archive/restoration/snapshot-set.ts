import type { EntityMetadata, MetadataStorage } from '@mikro-orm/core';
import { AMONG_SNAPSHOTS, amongSnapshots } from '../snapshot/among-snapshots.js';
import type { ArchivedLink } from '../snapshot/archived-link.js';

/** An archived row, without its values. @internal */
export interface Snapshot {
  readonly part: string;
  readonly key: string;
  /** The time of its unit, to the microsecond. */
  readonly unit: string;
  readonly links: readonly ArchivedLink[] | null;
}

/**
 * Archived rows that a restoration is about to bring back, locked.
 *
 * @internal
 */
export class SnapshotSet {
  readonly #parts = new Map<string, Map<string, Snapshot>>();

  constructor(private readonly storage: MetadataStorage) {}

  /** Adds archived rows, of several with one key the one that was deleted last. @returns those that are new */
  add(snapshots: readonly Snapshot[]): Snapshot[] {
    const added = new Set<Snapshot>();
    for (const snapshot of snapshots) {
      const part = this.#parts.get(snapshot.part) ?? new Map<string, Snapshot>();
      this.#parts.set(snapshot.part, part);
      const known = part.get(snapshot.key);
      if (!known || (added.has(known) && known.unit < snapshot.unit)) {
        if (known) {
          added.delete(known);
        }
        part.set(snapshot.key, snapshot);
        added.add(snapshot);
      }
    }
    return [...added];
  }

  /** Leaves a row in the archive. */
  leave(part: string, key: string): void {
    this.#parts.get(part)?.delete(key);
  }

  has(part: string, key: string): boolean {
    return this.#parts.get(part)?.has(key) ?? false;
  }

  parts(): string[] {
    return [...this.#parts.keys()].filter((part) => this.#parts.get(part)!.size > 0);
  }

  of(part: string): Snapshot[] {
    return [...(this.#parts.get(part)?.values() ?? [])];
  }

  /** The entity of a part, if the ORM still has it. */
  metaOf(part: string): EntityMetadata | undefined {
    return [...this.storage].find(({ className }) => className === part);
  }

  /** How many rows of each entity come back. Rows of pivot tables, and of the tables of classes below a root, do not count. */
  counts(): [name: string, count: number][] {
    return this.parts()
      .filter((part) => {
        const meta = this.metaOf(part);
        return meta && meta.root === meta && !meta.pivotTable;
      })
      .map((part) => [part, this.of(part).length]);
  }

  /**
   * The rows of a part as a condition on rows `a` of the archive.
   *
   * @returns the condition, and its parameters
   */
  condition(part: string): { sql: string; params: unknown[] } {
    const snapshots = this.of(part);
    return { sql: `a."part" = ? and ${AMONG_SNAPSHOTS}`, params: [part, ...amongSnapshots(snapshots)] };
  }
}

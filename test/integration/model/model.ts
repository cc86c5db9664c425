import { type CollectionSpec, inverseOf, KINDS } from './kinds.js';
import {
  type Conflict,
  HOME_TENANT,
  inScope,
  type Outcome,
  type Pending,
  type Row,
  type Scope,
  setColumn,
  uniqueValue,
} from './row.js';

/** The rows as the contract wants them, and what each operation makes of them. Knows nothing of the code under test. */
export class Model {
  rows = new Map<number, Row>();
  links = new Set<string>();
  #units = 0;

  snapshot(): { rows: Map<number, Row>; links: Set<string> } {
    return {
      rows: new Map(
        [...this.rows].map(([handle, row]) => [handle, { ...row, refs: { ...row.refs }, typed: { ...row.typed } }]),
      ),
      links: new Set(this.links),
    };
  }

  reset(state: ReturnType<Model['snapshot']>): void {
    this.rows = state.rows;
    this.links = state.links;
  }

  row(handle: number): Row {
    return this.rows.get(handle)!;
  }

  /** The rows that the managers' tenant sees. */
  of(kind: Row['kind'], scope: Scope = 'with'): Row[] {
    return this.every(kind).filter((row) => row.tenant === HOME_TENANT && inScope(row, scope));
  }

  every(kind: Row['kind']): Row[] {
    return [...this.rows.values()].filter((row) => row.kind === kind);
  }

  /** The rows in a relation of one. */
  behind(handle: number, relation: Pick<CollectionSpec, 'child' | 'property' | 'state'>, scope: Scope = 'with'): Row[] {
    return this.of(relation.child, scope).filter((row) => isBehind(row, handle, relation));
  }

  linked(doc: number, scope: Scope): Row[] {
    return this.of('tag', scope).filter((tag) => this.links.has(`${doc}:${tag.handle}`));
  }

  /** What a deletion of active rows takes along, themselves included. */
  closure(start: Iterable<number>, follows: (child: Row, parent: Row) => boolean, softOnly = true): Set<number> {
    const reached = new Set(start);
    for (const handle of reached) {
      const parent = this.rows.get(handle);
      for (const row of parent ? this.rows.values() : []) {
        const pointsThere = Object.entries(KINDS[row.kind].refs).some(
          ([property, spec]) => inverseOf(row, spec).policy === 'cascade' && row.refs[property] === handle,
        );
        if (pointsThere && (!softOnly || KINDS[row.kind].soft) && follows(row, parent!)) {
          reached.add(row.handle);
        }
      }
    }
    return reached;
  }

  /** Deletes active rows and what they cascade to as one unit. `restricted`, and nothing is changed, if a row refuses. */
  softDelete(targets: Iterable<number>): { outcome: 'ok' | 'restricted'; deleted: Set<number> } {
    const active = [...targets].filter((handle) => this.rows.has(handle) && this.row(handle).unit === null);
    const deleted = this.closure(active, (child) => child.unit === null);
    const restricted = [...this.rows.values()].some(
      (row) =>
        row.unit === null &&
        !deleted.has(row.handle) &&
        Object.entries(KINDS[row.kind].refs).some(
          ([property, spec]) => inverseOf(row, spec).policy === 'restrict' && deleted.has(row.refs[property] ?? -1),
        ),
    );
    if (restricted) {
      return { outcome: 'restricted', deleted: new Set() };
    }
    const unit = ++this.#units;
    for (const handle of deleted) {
      const row = this.row(handle);
      row.unit = unit;
      row.bumped = true;
    }
    return { outcome: 'ok', deleted };
  }

  restore(targets: Iterable<number>, withParents: boolean): { conflicts: Conflict[]; restored: Set<number> } {
    const deleted = [...targets].filter((handle) => this.rows.has(handle) && this.row(handle).unit !== null);
    const restored = this.closure(deleted, (child, parent) => child.unit !== null && child.unit === parent.unit);
    const conflicts: Conflict[] = [];
    for (const handle of restored) {
      const row = this.row(handle);
      for (const [property, spec] of Object.entries(KINDS[row.kind].refs)) {
        const parent = this.rows.get(row.refs[property] ?? -1);
        if (
          inverseOf(row, spec).policy !== 'cascade' ||
          !parent ||
          parent.unit === null ||
          restored.has(parent.handle)
        ) {
          continue;
        }
        if (withParents) {
          restored.add(parent.handle);
        } else {
          conflicts.push({ reason: 'parent-deleted', kind: row.kind, handle });
        }
      }
    }
    for (const handle of restored) {
      const row = this.row(handle);
      const value = uniqueValue(row);
      const holder = [...this.rows.values()].find(
        (other) =>
          other.handle !== handle &&
          other.kind === row.kind &&
          value !== undefined &&
          uniqueValue(other) === value &&
          (other.unit === null || (restored.has(other.handle) && other.handle > handle)),
      );
      if (holder) {
        conflicts.push({ reason: 'unique', kind: row.kind, handle });
      }
    }
    if (conflicts.length === 0) {
      for (const handle of restored) {
        const row = this.row(handle);
        row.unit = null;
        row.bumped = true;
      }
    }
    return { conflicts, restored: conflicts.length === 0 ? restored : new Set() };
  }

  hardDelete(targets: Iterable<number>): { outcome: 'ok' | 'restricted'; removed: Set<number> } {
    const removed = this.closure(
      [...targets].filter((handle) => this.rows.has(handle)),
      () => true,
      false,
    );
    const referenced = [...this.rows.values()].some(
      (row) => !removed.has(row.handle) && Object.values(row.refs).some((ref) => ref !== null && removed.has(ref)),
    );
    if (referenced) {
      return { outcome: 'restricted', removed: new Set() };
    }
    removed.forEach((handle) => this.drop(handle));
    return { outcome: 'ok', removed };
  }

  drop(handle: number): void {
    this.rows.delete(handle);
    for (const link of this.links) {
      if (link.split(':').includes(String(handle))) {
        this.links.delete(link);
      }
    }
  }

  /**
   * What a flush does, and which outcomes the contract allows for it. Changes the model as if it succeeded.
   *
   * @param staleVersions - documents whose version in memory is not the row's
   */
  flush(pending: Pending, staleVersions: ReadonlySet<number>): Set<Outcome> {
    const errors = new Set<Outcome>();
    const removes = [...pending.removes].filter((handle) => this.rows.has(handle));
    const soft = removes.filter((handle) => KINDS[this.row(handle).kind].soft);
    for (const [handle, row] of pending.creates) {
      this.rows.set(handle, row);
    }
    for (const [handle, changes] of pending.sets) {
      const row = this.rows.get(handle);
      if (!row || pending.removes.has(handle) || changes.size === 0) {
        continue;
      }
      for (const [column, { to }] of changes) {
        setColumn(row, column, to);
      }
      if (!pending.creates.has(handle)) {
        row.touched = undefined;
        row.bumped = true;
        if (staleVersions.has(handle)) {
          errors.add('optimistic');
        }
      }
    }
    for (const [handle, property] of pending.released) {
      this.row(handle).refs[property] = null;
    }
    for (const [link, present] of pending.links) {
      if (present) {
        // Someone else has linked the two meanwhile.
        if (this.links.has(link)) {
          errors.add('unique');
        }
        this.links.add(link);
      } else {
        this.links.delete(link);
      }
    }
    for (const handle of soft.filter((each) => this.row(each).unit !== null)) {
      // A manager that does not know the row as deleted asks for an update, and the update keeps the time.
      this.row(handle).bumped = undefined;
    }
    const { outcome, deleted } = this.softDelete(soft);
    // The ORM does not insert what it knows to belong to something that goes, soft-deletable or not.
    const belonging = this.closure([...deleted, ...removes], (child) => pending.creates.has(child.handle), false);
    pending.creates.forEach((row, handle) => (row.unborn = belonging.has(handle)));
    if (soft.some((handle) => staleVersions.has(handle))) {
      errors.add('optimistic');
    }
    if (outcome !== 'ok') {
      errors.add(outcome);
    }
    const plain = this.closure(
      removes.filter((handle) => !soft.includes(handle)),
      () => true,
      false,
    );
    if ([...plain].some((handle) => KINDS[this.row(handle).kind].soft)) {
      errors.add('restricted');
    }
    plain.forEach((handle) => this.drop(handle));
    return this.#allowed(errors, pending, deleted, soft);
  }

  #allowed(errors: Set<Outcome>, { creates, removes }: Pending, deleted: Set<number>, soft: number[]): Set<Outcome> {
    const allowed = new Set(errors);
    let certain = errors.size > 0;
    for (const row of creates.values()) {
      const rivals = [...this.rows.values()].filter(
        (other) =>
          other !== row &&
          other.kind === row.kind &&
          uniqueValue(row) !== undefined &&
          uniqueValue(other) === uniqueValue(row) &&
          !removes.has(other.handle),
      );
      if (rivals.some((other) => other.unit === null)) {
        allowed.add('unique');
        certain = true;
      } else if (rivals.some((other) => deleted.has(other.handle) && !soft.includes(other.handle))) {
        // The value is held by a row that only the cascade deletes, which runs after the inserts.
        allowed.add('unique');
      }
    }
    if (!certain) {
      allowed.add('ok');
    }
    return allowed;
  }
}

/** Whether a row is in a relation of another, whoever sees it. */
export function isBehind(
  row: Row,
  handle: number,
  { property, state }: Pick<CollectionSpec, 'property' | 'state'>,
): boolean {
  return row.refs[property] === handle && (state === undefined || row.state === state);
}

import type { EntityMetadata } from '@mikro-orm/core';
import { identify, type RowKey } from '../../../sql/row-set.js';
import type { PersonalDataEntity, PersonalField } from '../declaration/personal-data-entity.js';

/** Why a row stays as it is. @internal */
export interface KeptReason {
  readonly ground: string;
  readonly until: Date | null;
}

/** What is declared for rows, by one way to the person or by several. Rows of which the same is said share it. @internal */
export interface RowDeclarations {
  readonly declarations: readonly PersonalDataEntity[];
  /** What is overwritten, by table and column. */
  readonly fields: ReadonlyMap<string, PersonalField>;
  /** Whether a declaration wants the rows gone. */
  readonly isGoing: boolean;
}

/** A row that belongs to a person by declaration, in its table or in the archive. @internal */
export class PersonalRow {
  declared: RowDeclarations;
  /** By law. */
  kept: KeptReason | undefined;
  /** Of a row that was to go, and that another one keeps in place. */
  blocked: KeptReason | undefined;
  /** Of a row that archived ones are behind which stay: without it, nobody could find or restore them. */
  needed: KeptReason | undefined;
  /** Why nobody can say whether it is the person's; `null` once a way has been found on which it is. */
  #doubt: KeptReason | null | undefined;
  #ownHolds: ReadonlySet<string>;
  /** The row in front of it, on its way to the person; several where it has several ways. Most have one, and thousands of sets take their time. */
  #parents: PersonalRow | Set<PersonalRow> | undefined;

  constructor(
    private readonly rows: PersonalRows,
    readonly root: EntityMetadata,
    readonly key: RowKey,
    /** The unit of a row in the archive; `null` of one in its table. */
    readonly unit: string | null,
    /** Its name among the rows of its entity. */
    readonly id: string,
  ) {
    this.declared = rows.nothing;
    this.#ownHolds = rows.noHolds;
  }

  get isLive(): boolean {
    return this.unit === null;
  }

  get fields(): ReadonlyMap<string, PersonalField> {
    return this.declared.fields;
  }

  get isGoing(): boolean {
    return this.declared.isGoing;
  }

  /** Whether it stays as it is. */
  get stays(): boolean {
    return this.kept !== undefined || this.holds().size > 0;
  }

  /** Why nobody can say whether it is the person's, by none of the ways that lead there. */
  get doubt(): KeptReason | undefined {
    return this.#doubt ?? undefined;
  }

  /**
   * Notes a row that is in between it and the person, or the person's own. What holds that holds this one.
   *
   * @param doubt - why it may be somebody else's
   */
  addParent(parent: PersonalRow, doubt = parent.doubt): void {
    this.#doubt = this.#doubt === null ? null : (doubt ?? null);
    if (this.#parents instanceof Set) {
      this.#parents.add(parent);
    } else {
      this.#parents = this.#parents && this.#parents !== parent ? new Set([this.#parents, parent]) : parent;
    }
  }

  /** Notes that a hold covers the row itself. */
  hold(name: string): void {
    this.#ownHolds = new Set([...this.#ownHolds, name]);
    this.rows.areHeld = true;
  }

  /** The holds that cover the row, or one in between it and the person. */
  holds(): ReadonlySet<string> {
    if (!this.rows.areHeld) {
      return this.rows.noHolds;
    }
    const found = new Set<string>();
    [this, ...this.inFront()].forEach((row) => row.#ownHolds.forEach((hold) => found.add(hold)));
    return found;
  }

  /** The rows in between it and the person, and the person's own. */
  inFront(): PersonalRow[] {
    const seen = new Set<PersonalRow>([this]);
    for (const row of seen) {
      const parents = row.#parents instanceof Set ? row.#parents : row.#parents ? [row.#parents] : [];
      parents.forEach((parent) => seen.add(parent));
    }
    return [...seen].slice(1);
  }

  /** Why it keeps others in place. */
  whyStays(): KeptReason | undefined {
    const name = `${this.root.className} ${this.key.join(', ')}`;
    if (this.kept) {
      return { ground: `${name} is kept (${this.kept.ground})`, until: this.kept.until };
    }
    return this.holds().size > 0 ? { ground: `${name} is held`, until: null } : this.needed;
  }
}

/** All rows that belong to one person. @internal */
export class PersonalRows {
  readonly #rows = new Map<string, Map<string, PersonalRow>>();

  /** The person's own row, in its table and in the archive. */
  persons: readonly PersonalRow[] = [];
  /** What is said of rows before a declaration speaks of them, and what holds most of them. */
  readonly nothing: RowDeclarations = { declarations: [], fields: new Map(), isGoing: false };
  readonly noHolds: ReadonlySet<string> = new Set();
  /** Whether a hold covers any of them: to look for it on all ways to the person takes its time. */
  areHeld = false;

  constructor(readonly subject: EntityMetadata) {}

  /** The row of a key, made if nobody has found it before. */
  row(root: EntityMetadata, key: RowKey, unit: string | null): PersonalRow {
    let rows = this.#rows.get(root.className);
    if (!rows) {
      rows = new Map();
      this.#rows.set(root.className, rows);
    }
    const id = `${identify(key)}@${unit ?? ''}`;
    let row = rows.get(id);
    if (!row) {
      row = new PersonalRow(this, root, key, unit, id);
      rows.set(id, row);
    }
    return row;
  }

  /** Notes what a declaration says of rows by one of its ways to the person. */
  declare(
    rows: readonly PersonalRow[],
    declaration: PersonalDataEntity,
    fields: ReadonlyMap<string, PersonalField>,
  ): void {
    const extended = new Map<RowDeclarations, RowDeclarations>();
    for (const row of rows) {
      let declared = extended.get(row.declared);
      if (!declared) {
        const before = row.declared;
        declared = {
          declarations: [...new Set([...before.declarations, declaration])],
          // What another way to the person says comes first.
          fields: new Map([...fields, ...before.fields]),
          isGoing: before.isGoing || declaration.erasesRow,
        };
        extended.set(before, declared);
      }
      row.declared = declared;
    }
  }

  find(root: EntityMetadata, key: RowKey): PersonalRow | undefined {
    return this.#rows.get(root.className)?.get(`${identify(key)}@`);
  }

  all(): PersonalRow[] {
    return [...this.#rows.values()].flatMap((rows) => [...rows.values()]);
  }

  /** Those of which a declaration speaks, and not just rows in between. */
  declared(): PersonalRow[] {
    return this.all().filter(({ declared }) => declared !== this.nothing);
  }
}

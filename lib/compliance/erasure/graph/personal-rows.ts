import type { EntityMetadata } from '@mikro-orm/core';
import { identify, type RowKey } from '../../../sql/row-set.js';
import type { PersonalDataEntity, PersonalField } from '../declaration/personal-data-entity.js';

/** Why a row stays as it is. @internal */
export interface KeptReason {
  readonly ground: string;
  readonly until: Date | null;
}

/** A row that belongs to a person by declaration, in its table or in the archive. @internal */
export class PersonalRow {
  /** The rows in between it and the person. What holds one of them holds this one. */
  readonly parents = new Set<PersonalRow>();
  readonly declarations = new Set<PersonalDataEntity>();
  /** What is overwritten, by table and column. */
  fields: ReadonlyMap<string, PersonalField> = new Map();
  /** By law. */
  kept: KeptReason | undefined;
  /** Of a row that was to go, and that another one keeps in place. */
  blocked: KeptReason | undefined;
  /** The names of the holds that cover the row itself. */
  readonly ownHolds = new Set<string>();

  constructor(
    readonly root: EntityMetadata,
    readonly key: RowKey,
    /** The unit of a row in the archive; `null` of one in its table. */
    readonly unit: string | null,
  ) {}

  get id(): string {
    return `${identify(this.key)}@${this.unit ?? ''}`;
  }

  get isLive(): boolean {
    return this.unit === null;
  }

  /** The same row with other fields, to look at these. */
  copy(fields: ReadonlyMap<string, PersonalField>): PersonalRow {
    const row = new PersonalRow(this.root, this.key, this.unit);
    row.fields = fields;
    this.declarations.forEach((declaration) => row.declarations.add(declaration));
    return row;
  }

  /** Whether the declaration wants the row gone. */
  get isGoing(): boolean {
    return [...this.declarations].some(({ erasesRow }) => erasesRow);
  }

  /** Whether it stays as it is. */
  get stays(): boolean {
    return this.kept !== undefined || this.holds().size > 0;
  }

  /** The holds that cover the row, or one in between it and the person. */
  holds(found = new Set<string>(), seen = new Set<PersonalRow>()): Set<string> {
    if (!seen.has(this)) {
      seen.add(this);
      this.ownHolds.forEach((hold) => found.add(hold));
      this.parents.forEach((parent) => parent.holds(found, seen));
    }
    return found;
  }
}

/** All rows that belong to one person. @internal */
export class PersonalRows {
  readonly #rows = new Map<string, Map<string, PersonalRow>>();

  /** The person's own row, in its table and in the archive. */
  persons: readonly PersonalRow[] = [];

  constructor(readonly subject: EntityMetadata) {}

  /** The row of a key, made if nobody has found it before. */
  row(root: EntityMetadata, key: RowKey, unit: string | null): PersonalRow {
    const rows = this.#rows.get(root.className) ?? new Map<string, PersonalRow>();
    this.#rows.set(root.className, rows);
    const made = new PersonalRow(root, key, unit);
    const row = rows.get(made.id) ?? made;
    rows.set(row.id, row);
    return row;
  }

  find(root: EntityMetadata, key: RowKey): PersonalRow | undefined {
    return this.#rows.get(root.className)?.get(`${identify(key)}@`);
  }

  all(): PersonalRow[] {
    return [...this.#rows.values()].flatMap((rows) => [...rows.values()]);
  }

  /** Those of which a declaration speaks, and not just rows in between. */
  declared(): PersonalRow[] {
    return this.all().filter(({ declarations }) => declarations.size > 0);
  }
}

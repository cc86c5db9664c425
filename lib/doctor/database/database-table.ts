/**
 * A table as the live catalog has it.
 *
 * @internal
 */
export interface DatabaseTable {
  readonly schema: string;
  readonly name: string;
  /** The planner's estimate; negative if the table was never analyzed. */
  readonly estimatedRows: number;
  readonly columns: readonly DatabaseColumn[];
  readonly indexes: readonly DatabaseIndex[];
  readonly foreignKeys: readonly DatabaseForeignKey[];
  readonly triggers: readonly DatabaseTrigger[];
}

/** @internal */
export interface DatabaseColumn {
  readonly name: string;
  /** With its precision, in PostgreSQL's own words: `timestamp(0) with time zone`. */
  readonly type: string;
  readonly notNull: boolean;
  readonly default: string | null;
}

/** @internal */
export interface DatabaseIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly valid: boolean;
  readonly nullsNotDistinct: boolean;
  /** `null` stands for an expression. */
  readonly columns: readonly (string | null)[];
  readonly predicate: string | null;
}

/** @internal */
export interface DatabaseForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly referencedSchema: string;
  readonly referencedTable: string;
  readonly deleteRule: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
}

/** @internal */
export interface DatabaseTrigger {
  readonly name: string;
  readonly enabled: boolean;
  readonly body: string;
}

/** @internal */
export interface DatabaseView {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly definition: string;
}

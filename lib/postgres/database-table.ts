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
  /** Whether its rows are in partitions, which an index cannot be added to concurrently. */
  readonly partitioned: boolean;
  /** Whether the role of the connection may read it. */
  readonly readable: boolean;
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
  /** `btree`, `hash`, … */
  readonly method: string;
  /** The statement that creates it. */
  readonly definition: string;
  /** Whether it belongs to a unique constraint. */
  readonly constraint: boolean;
  /** The foreign keys that rely on it. */
  readonly referencedBy: readonly string[];
  readonly nullsNotDistinct: boolean;
  /** `null` stands for an expression. */
  readonly columns: readonly (string | null)[];
  readonly predicate: string | null;
}

/** @internal */
export interface DatabaseForeignKey {
  readonly name: string;
  /** What stands behind `add constraint <name>`. */
  readonly definition: string;
  readonly columns: readonly string[];
  readonly referencedSchema: string;
  readonly referencedTable: string;
  readonly deleteRule: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
}

/** @internal */
export interface DatabaseTrigger {
  readonly name: string;
  /** Whether it fires in an ordinary session. */
  readonly enabled: boolean;
  /** The statement that creates it. */
  readonly definition: string;
  /** What its function does. */
  readonly body: string;
}

/** A view, or a partition, which is none of the tables. @internal */
export interface DatabaseView {
  readonly schema: string;
  readonly name: string;
  readonly isPartition: boolean;
  readonly columns: readonly string[];
  readonly definition: string;
}

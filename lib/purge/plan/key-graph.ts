import type { EntityMetadata } from '@mikro-orm/core';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { ColumnCondition } from '../../metadata/relations/relation-graph.js';
import type { DeleteRule } from '../../postgres/catalog/read-pg-catalog.js';

/** A column: its quoted name, and the type that its text is read back as. @internal */
export interface PurgeColumn {
  readonly name: string;
  readonly type: string;
}

/** Rows that meet a condition which no column alone tells: SQL over the row's alias. @internal */
export interface SqlCondition {
  readonly sql: (alias: string) => string;
}

/** @internal */
export type PurgeCondition = ColumnCondition | SqlCondition;

/** A table of the database, mapped by the ORM or not. @internal */
export interface PurgeTable {
  readonly id: string;
  /** The quoted name with its schema. */
  readonly name: string;
  /** The name as a person writes it. */
  readonly label: string;
  /** The primary key. */
  readonly key: readonly PurgeColumn[];
  readonly pages: number;
  readonly isPartitioned: boolean;
}

/** What the database does to a referencing row; `'none'` where a relation of the ORM has no foreign key. @internal */
export type KeyAction = DeleteRule | 'none';

/** A foreign key, or a relation of the ORM without one. Columns correspond by position and are quoted. @internal */
export interface KeyReference {
  /** The name of the constraint, or of the relation as `Entity.property`. */
  readonly constraint: string;
  readonly from: PurgeTable;
  readonly fromColumns: readonly string[];
  readonly to: PurgeTable;
  readonly toColumns: readonly string[];
  readonly action: KeyAction;
  /** Whether an index finds the referencing rows. */
  readonly isIndexed: boolean;
  /** Whether the database sees to it: not for relations that only the ORM knows, and not while its triggers are off. */
  readonly isEnforced: boolean;
  /** Whether it is a foreign key that the database does not see to at present, so that its `on delete` rule is not carried out either. */
  readonly isOff?: boolean;
  /** Which rows of `from` the reference is about: the discriminator of a polymorphic relation. */
  readonly conditions: readonly ColumnCondition[];
  /** Sets of rows of `from` that a relation declares to be parts of the referenced row; an empty set of conditions is all. */
  readonly parts: readonly (readonly PurgeCondition[])[];
  /** Whether both tables hold the same entity, one class of a table-per-type hierarchy each. */
  readonly isInheritance: boolean;
}

/** A row that the purged row itself points at and that goes with it: a `cascade` relation from the owning side. @internal */
export interface KeyCompanion {
  readonly relation: string;
  readonly table: PurgeTable;
  readonly tableColumns: readonly string[];
  /** The table that holds the key: the purged row's own, or the pivot table. */
  readonly holder: PurgeTable;
  readonly holderColumns: readonly string[];
  /** How the holder finds the purged row, if it is a pivot table. */
  readonly pivot?: { readonly columns: readonly string[]; readonly referenced: readonly string[] };
  /** Which rows of the holder are meant. */
  readonly holderConditions: readonly PurgeCondition[];
  /** Which companions are meant. */
  readonly conditions: readonly PurgeCondition[];
  /** The table of the entity whose rows have such companions. */
  readonly owner: PurgeTable;
}

/** Where the rows of a soft-deletable entity are, and the column that says when they were deleted. @internal */
export interface DeletedRows {
  readonly table: Pick<PurgeTable, 'name'>;
  readonly deletedAt: PurgeColumn;
}

/** A soft-deletable entity with the table that holds its time of deletion. @internal */
export interface PurgeEntity extends DeletedRows {
  readonly name: string;
  readonly meta: EntityMetadata;
  readonly table: PurgeTable;
  readonly retention: number | 'forever' | undefined;
  readonly hasPurgeIndex: boolean;
  /** Every table of the entity: more than one in a table-per-type hierarchy. */
  readonly tables: readonly PurgeTable[];
}

/** A soft-deletable entity whose rows the purge leaves alone, with what is wrong and what to do. @internal */
export interface UnreachableEntity {
  readonly entry: SoftDeletableEntityMetadata;
  /** The name of its table as a person writes it. */
  readonly table: string;
  readonly problem: string;
  readonly advice: string;
  /** Where its rows can be counted at least; nothing if nobody says in which schemas they are. */
  readonly rows?: DeletedRows;
}

/** What can stand between a purgeable row and its removal. @internal */
export interface KeyGraph {
  readonly entities: readonly PurgeEntity[];
  readonly references: readonly KeyReference[];
  readonly companions: readonly KeyCompanion[];
  /** Tables of soft-deletable entities in schemas other than the one that is purged, or below a view or around a partition: nobody knows which of their rows are due. */
  readonly foreign?: readonly PurgeTable[];
  readonly unreachable?: readonly UnreachableEntity[];
}

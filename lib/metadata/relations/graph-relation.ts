import type { EntityMetadata } from '@mikro-orm/core';
import type { AnyCondition } from '../../options/any-of-the-orm.js';
import type { RelationPolicy } from '../../options/soft-deletable-options.js';

/** Rows of a table that carry one of a few values in a column: a class of a single-table hierarchy, a polymorphic target. */
export interface ColumnCondition {
  readonly column: string;
  readonly values: readonly (string | number)[];
}

/** Rows of the root's table that have a row in the table of a class as well: a class of a table-per-type hierarchy. */
export interface ClassCondition {
  readonly subtable: EntityMetadata;
}

/** Rows that meet the `where` of a relation. */
export interface WhereCondition {
  readonly entity: EntityMetadata;
  readonly where: AnyCondition;
}

/** What rows have to meet to be meant. @internal */
export type RowCondition = ColumnCondition | ClassCondition | WhereCondition;

/** Which of the rows at the two ends of a key are related. @internal */
export interface Membership {
  readonly parent: readonly RowCondition[];
  readonly child: readonly RowCondition[];
}

/** How the rows behind a relation are found in the database. Columns of both sides correspond by position. */
export type RelationLink =
  /** The row behind holds the key: one-to-many and inverse one-to-one. */
  | {
      readonly kind: 'child-key';
      /** The entity on whose table the key is: in a table-per-type hierarchy an ancestor of the entity behind, perhaps. */
      readonly table: EntityMetadata;
      readonly columns: readonly string[];
      readonly referenced: readonly string[];
      readonly nullable: boolean;
      readonly deleteRule: string | undefined;
      /** The owning property, on the entity behind. */
      readonly property: string;
    }
  /** The row itself holds the key: many-to-one and owning one-to-one. */
  | {
      readonly kind: 'parent-key';
      readonly table: EntityMetadata;
      readonly columns: readonly string[];
      readonly referenced: readonly string[];
    }
  /** A pivot table holds both keys: many-to-many. */
  | {
      readonly kind: 'pivot';
      readonly table: EntityMetadata;
      readonly parentColumns: readonly string[];
      readonly parentReferenced: readonly string[];
      readonly childColumns: readonly string[];
      readonly childReferenced: readonly string[];
      /** The side whose key is of several entities, told apart by `linkConditions`. */
      readonly polymorphicSide: 'parent' | 'child' | undefined;
    };

/**
 * One relation, seen from the row that is deleted.
 *
 * @internal
 */
export interface GraphRelation {
  /** `Entity.property`, of the side that declares the relation. */
  readonly name: string;
  /** The property on `parent`, if it has one. */
  readonly property: string | undefined;
  readonly parent: EntityMetadata;
  readonly child: EntityMetadata;
  readonly policy: RelationPolicy;
  readonly link: RelationLink;
  /** Which rows of the linking table are meant: the discriminator of a polymorphic relation. */
  readonly linkConditions: readonly ColumnCondition[];
  /** Which rows are related: those of a class, those that meet the relation's `where`. */
  readonly members: Membership;
  /** Rows among these for which another relation over the same key decides. */
  readonly except: readonly Membership[];
}

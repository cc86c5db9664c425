import type { EntityMetadata } from '@mikro-orm/core';
import type { GraphRelation } from '../../../metadata/relations/graph-relation.js';

/** What takes the place of a value. @internal */
export type FieldValue =
  | { readonly kind: 'null' }
  /** The text that the database reads. */
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'email' }
  | { readonly kind: 'digest'; readonly length: number }
  | { readonly kind: 'raw'; readonly sql: string; readonly params: readonly unknown[] };

/** A column that an erasure overwrites. @internal */
export interface PersonalField {
  /** The property, with that of an embeddable around it. */
  readonly name: string;
  /** In a table-per-type hierarchy that of the class that declares the property. */
  readonly table: EntityMetadata;
  readonly column: string;
  readonly type: string;
  /** Whether no other row may have the value. */
  readonly isUnique: boolean;
  readonly value: FieldValue;
  /** Of a custom type that writes, or reads, by SQL of its own: that SQL, around a value or a column. */
  readonly writtenBy?: ((value: string) => string) | undefined;
  readonly readBy?: ((column: string) => string) | undefined;
}

/** A way from rows to the person whose they are. @internal */
export interface PersonalPath {
  /** As it was declared; empty for the persons themselves. */
  readonly name: string;
  /** From the rows to the person, each with the row that is nearer to the person as its parent. */
  readonly edges: readonly GraphRelation[];
  readonly subject: EntityMetadata;
  readonly fields: readonly PersonalField[];
}

/** @internal */
export interface ResolvedKeep {
  readonly interval: string;
  readonly ground: string;
  readonly property: string;
  readonly table: EntityMetadata;
  readonly column: string;
}

/** What is declared for the rows of an entity, or of a class of a hierarchy. @internal */
export interface PersonalDataEntity {
  readonly meta: EntityMetadata;
  readonly where: string;
  readonly isSubject: boolean;
  readonly paths: readonly PersonalPath[];
  readonly erasesRow: boolean;
  readonly keep: ResolvedKeep | undefined;
  /** The properties that the declaration speaks for. */
  readonly covered: ReadonlySet<string>;
}

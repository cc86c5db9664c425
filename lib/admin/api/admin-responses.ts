import type { DeletionAction } from '../../compliance/record/deletion-log.js';
import type { AdminAction } from '../soft-delete-admin.options.js';

/** @internal */
export interface EntityView {
  readonly entity: string;
  /** Deleted rows that the caller may see. */
  readonly deleted: number;
  /** Those among them whose retention is over. */
  readonly due: number;
  /** Due rows that something keeps; `null` where the caller may not purge. */
  readonly blocked: number | null;
  /** Milliseconds. */
  readonly retention: number | 'forever';
  readonly can: readonly AdminAction[];
  /** Whether a restoration or a removal has to say why; `null` where nothing keeps the reason. */
  readonly reason: 'required' | 'optional' | null;
  /** Whether anything is recorded. */
  readonly records: boolean;
  /** Whether `actor` finds rows. */
  readonly actors: boolean;
  readonly columns: readonly string[];
  readonly sortable: readonly string[];
  readonly searchable: boolean;
}

/** @internal */
export interface RowView {
  readonly key: string;
  readonly label: string;
  readonly columns: Readonly<Record<string, unknown>>;
  /** To the microsecond. */
  readonly deletedAt: string;
  readonly actor: string | null;
  readonly reason: string | null;
  /** `null`: never. */
  readonly purgeAt: string | null;
  /** How many rows a restoration brings back, this one included; `null` where there are too many to count them. */
  readonly unitSize: number | null;
  readonly held: boolean;
}

/** @internal */
export interface RowDetails extends RowView {
  readonly fields: Readonly<Record<string, unknown>>;
  /** How many rows of which entity come back with it; `null` where there are too many to count them. */
  readonly unit: Readonly<Record<string, number>> | null;
  readonly blockedBy: readonly { readonly table: string; readonly constraint: string; readonly rows: number }[];
  /** The active holds that cover it. */
  readonly holds: readonly HoldView[];
  /** What was done to it, the newest first. */
  readonly records: readonly RecordView[];
}

/** @internal */
export interface HoldView {
  readonly id: number;
  readonly name: string;
  readonly reason: string;
  readonly placedAt: string;
  readonly placedBy: string | null;
  readonly releasedAt: string | null;
}

/** @internal */
export interface RecordView {
  readonly at: string;
  readonly action: DeletionAction;
  readonly entity: string;
  readonly count: number;
  /** Of rows that came back or went, where the record has them. */
  readonly keys?: readonly string[];
  readonly actor: string | null;
  readonly reason: string | null;
}

/** @internal */
export interface RowsPage {
  readonly rows: readonly RowView[];
  /** What `after` continues with; `null` on the last page. */
  readonly next: string | null;
}

/** What an operation did or would do. @internal */
export interface Outcome {
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
}

/** @internal */
export interface ConflictView {
  readonly reason: string;
  readonly entity: string;
  readonly key: string | null;
  readonly constraint?: string;
  readonly properties?: readonly string[];
  readonly conflictingKey?: string;
  readonly conflictingEntity?: string;
  readonly conflictingWith?: string;
}

/** @internal */
export interface RestrictionView {
  readonly relation: string;
  readonly entity: string;
  readonly count: number;
}

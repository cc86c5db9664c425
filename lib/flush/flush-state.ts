import type { ChangeSet, Collection } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityData } from '../options/any-of-the-orm.js';
import type { DeletionContext } from '../events/deletion-context.js';
import type { Affected } from '../deletion/cascade-deletion.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import type { PhysicalRemoval } from './refuse-physical-cascade.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';

/** An entity that a flush soft-deletes, with what it was before. @internal */
export interface Removal {
  readonly entity: object;
  readonly entry: SoftDeletableEntityMetadata;
  readonly original: AnyEntityData | undefined;
  readonly initialized: boolean;
  /** The values it had when the flush began, before any hook. */
  readonly values: Readonly<Record<string, unknown>>;
  changeSet?: ChangeSet<object>;
}

/** What one flush has to do about removed entities, from its start to the end of its statements. @internal */
export interface FlushState {
  readonly em: EntityManager;
  readonly removals: readonly Removal[];
  /** Loaded entities that the cascade is expected to reach. */
  readonly cascaded: ReadonlyMap<object, SoftDeletableEntityMetadata>;
  /** Entities that are removed physically, but not by the unit of work's own cascade. */
  readonly hard: ReadonlySet<object>;
  /** Collections that were replaced without having been loaded. */
  readonly unloaded: ReadonlySet<Collection<object>>;
  /** Who deletes and why. */
  readonly context: DeletionContext;
  /** Rows to be removed physically, whose cascades are looked at once the flush has written everything else. */
  readonly physical?: readonly PhysicalRemoval[];
  /** Archived entities that the unit of work deletes, once their rows are in the archive. */
  readonly archived: readonly ChangeSet<object>[];
  /** Soft-deleted rows that archived ones took along which have left their tables before the flush inserted anything. */
  archivedEarly?: Affected;
  unit?: UnitTime;
  /** What the cascade has reached before the flush wrote rows that may take over unique values, or `'due'` if it has to. */
  early?: Affected | 'due';
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';

/** A parent that an archived row cannot come back without. @internal */
export interface MissingParent {
  readonly part: string;
  readonly key: string;
  /** The relation, as `Entity.property`, or the constraint where the ORM maps none. */
  readonly relation: string;
  readonly parent: EntityMetadata | undefined;
  /** Its key, if it is soft-deleted or archived. */
  readonly parentKey: string | undefined;
  /** The unit that it was archived in last. */
  readonly archivedIn: string | undefined;
  readonly softDeleted: SoftDeletableEntityMetadata | undefined;
}

import type { EntitySchema } from '@mikro-orm/core';
import { DeletionArchive } from './deletion-archive.entity.js';

/** The entities that an ORM with archived entities needs. @internal */
export function archiveEntities(): EntitySchema<any>[] {
  return [DeletionArchive as unknown as EntitySchema<any>];
}

import type { AnyEntitySchema } from '../../options/any-of-the-orm.js';
import { DeletionArchive } from './deletion-archive.entity.js';

/** The entities that an ORM with archived entities needs. @internal */
export function archiveEntities(): AnyEntitySchema[] {
  return [DeletionArchive as unknown as AnyEntitySchema];
}

import type { MikroORM } from '@mikro-orm/postgresql';
import { type Compliance, createCompliance } from '../compliance/create-compliance.js';
import { installSoftDelete } from '../install-soft-delete.js';

/** Records, holds and erasures of the application's ORM, in which soft deletion is installed. @internal */
export function complianceOf(orm: MikroORM): Compliance {
  installSoftDelete(orm);
  return createCompliance(orm);
}

import type { AnyEntitySchema } from '../options/any-of-the-orm.js';
import { archiveEntities } from '../archive/snapshot/archive-entities.js';
import { ErasureSchema } from './erasure/erasure.entity.js';
import { LegalHoldRowSchema, LegalHoldSchema } from './hold/legal-hold.entity.js';
import { DeletionRecordSchema } from './record/deletion-record.entity.js';

/**
 * The tables in which this package keeps what it has done, as entities for the ORM's configuration. Recording begins once they are
 * registered; the ORM's own migrations create them.
 *
 * ```ts
 * defineConfig({ entities: [User, Order, ...complianceEntities()], extensions: [softDelete()] });
 * ```
 *
 * @publicApi
 */
export function complianceEntities(): AnyEntitySchema[] {
  return [
    DeletionRecordSchema,
    LegalHoldSchema,
    LegalHoldRowSchema,
    ErasureSchema,
    ...archiveEntities(),
  ] as unknown as AnyEntitySchema[];
}

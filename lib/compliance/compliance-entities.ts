import type { AnyEntitySchema } from '../options/any-of-the-orm.js';
import { archiveEntities } from '../archive/snapshot/archive-entities.js';
import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { erasureSchema } from './erasure/erasure.entity.js';
import { legalHoldRowSchema, legalHoldSchema } from './hold/legal-hold.entity.js';
import { deletionRecordSchema } from './record/deletion-record.entity.js';
import type { TablesSchema } from './tables-schema.js';

/**
 * The tables in which this package keeps what it has done, as entities for the ORM's configuration. Recording begins once they are
 * registered; the ORM's own migrations create them.
 *
 * ```ts
 * defineConfig({ entities: [User, Order, ...complianceEntities()], extensions: [softDelete()] });
 * ```
 *
 * @param options - `schema: '*'` where tenants have schemas of their own: records, holds and erasures are then kept in the schema of the
 *   entity manager, so that each tenant has its own and sees no other's. Then every marked entity has this schema, and none is archived
 * @throws SoftDeleteConfigError if an option is unknown
 * @publicApi
 */
export function complianceEntities(options: { readonly schema?: '*' } = {}): AnyEntitySchema[] {
  refuseUnknownOptions('complianceEntities()', options, ['schema']);
  const { schema } = options;
  if (schema !== undefined && schema !== '*') {
    throw new SoftDeleteConfigError(
      'complianceEntities(), schema',
      `it is ${showValue(schema)}.`,
      "Write '*' for tables in the schema of each tenant, or leave it out.",
    );
  }
  return schema ? [...ofTenants] : [...shared, ...archiveEntities()];
}

/** One list each, so that an ORM that is given it twice knows each entity once. The latter is what MikroORM finds by the classes alone. */
const ofTenants = tablesIn({ schema: '*' });
const shared = tablesIn({});

function tablesIn(schema: TablesSchema): AnyEntitySchema[] {
  const tables = [
    deletionRecordSchema(schema),
    legalHoldSchema(schema),
    legalHoldRowSchema(schema),
    erasureSchema(schema),
  ];
  return tables as unknown as AnyEntitySchema[];
}

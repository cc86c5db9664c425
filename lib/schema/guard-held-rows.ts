import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import { coveringHoldSql } from '../sql/covering-hold-sql.js';
import { tableName } from '../sql/table-name.js';
import { GUARD_TRIGGER, guardTriggerWithHolds } from './guard-trigger.js';

/**
 * Has the guards of one ORM ask for legal holds, if it has the tables for them: which tables lead to a row is not known before. The
 * schema generator and migrations then write the guards so.
 *
 * @internal
 */
export function guardHeldRows(em: EntityManager, { catalog, holds }: Installation): void {
  if (!holds) {
    return;
  }
  for (const { meta: root } of catalog.all().filter(({ guard }) => guard)) {
    const { entities } = coveringHoldSql(em, holds, root, 'old');
    const isOfTenant = [...entities, holds.holds].some(({ schema }) => schema === '*');
    // The trigger looks into the schema of its own table first, so that names without one are those of the tenant. Otherwise all have one:
    // whose session a trigger runs in, and with which search path, is not known.
    const own = em.fork({ schema: isOfTenant ? '' : em.config.get('schema')! }) as EntityManager;
    const { withSql, fromSql } = coveringHoldSql(own, holds, root, 'old');
    const trigger = guardTriggerWithHolds({
      isAnyActive: `exists (select from ${tableName(own, holds.holds)} where "released_at" is null)`,
      findCovering: `${withSql} select h."id", h."name" into hold ${fromSql} order by h."id" limit 1;`,
      isOfTenant,
    });
    for (const meta of catalog.getMetadata()) {
      if (meta.root === root) {
        // A list of its own: another ORM over the same classes may have no holds.
        meta.triggers = meta.triggers.map((other) => (other.name === GUARD_TRIGGER ? trigger : other));
      }
    }
  }
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';

const PROBLEM = 'PostgreSQL moves a row to another partition by a delete and an insert, which the guard would refuse.';

/**
 * Asks the database whether the table of a guarded entity is partitioned, which the ORM need not know. Does nothing where no entity is
 * guarded.
 *
 * @throws SoftDeleteConfigError if one is
 * @internal
 */
export async function refusePartitionedGuards(em: EntityManager): Promise<void> {
  const tables = SoftDeleteCatalog.of(em)
    .all()
    .filter(({ guard, meta }) => guard && meta.schema !== '*')
    .map(({ name, meta }) => ({ name, table: tableName(em, meta) }));
  if (tables.length === 0) {
    return;
  }
  const names = tables.map(({ table }, i) => `(${i}, ${em.getPlatform().quoteValue(table)})`);
  const rows = await em
    .getConnection('write')
    .execute<{ i: number }[]>(
      `select i from (values ${names.join(', ')}) as t(i, name) join pg_class as c on c.oid = to_regclass(t.name) and c.relkind = 'p' order by i`,
    );
  const found = rows.map(({ i }) => tables[i]!);
  if (found.length > 0) {
    const entities = found.map(({ name, table }) => `${name} (${table})`).join(', ');
    throw new SoftDeleteConfigError(
      '@SoftDeletable({ guard: true })',
      `the ${found.length === 1 ? 'table' : 'tables'} of ${entities} ${found.length === 1 ? 'is' : 'are'} partitioned. ${PROBLEM}`,
      `Leave out \`guard\` in the mark of ${found.map(({ name }) => name).join(', ')} and update the schema.`,
    );
  }
}

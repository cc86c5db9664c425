import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { MONTHLY_TABLES } from '../metadata/compliance-tables.js';
import { complianceTable } from './compliance-table.js';
import { currentManager } from './current-manager.js';
import { managersOfTenants, tenantOf } from './managers-of-tenants.js';
import { addMonthsSql, type MonthlyTable, qualify } from './month-partitions.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { findComplianceEntity } from './require-compliance-entity.js';

/** What was added to a table. @internal */
export interface AddedMonths {
  /** The tenant's, where each has tables of its own. */
  readonly schema?: string;
  readonly table: string;
  /** The names of the partitions that were missing. */
  readonly added: readonly string[];
}

/**
 * Adds the partitions that the tables of `complianceEntities()` lack, for this month and so many to come; those of all tenants, where each
 * has its own and the caller is in the context of none.
 *
 * @throws SoftDeleteConfigError if none of the tables has partitions, or those of a tenant have none; the others have theirs by then
 * @internal
 */
export async function addMonths(orm: AnyOrm, ahead: number): Promise<AddedMonths[]> {
  const managers = await managersOfTenants(currentManager(orm));
  const added: AddedMonths[] = [];
  const without: string[] = [];
  for (const em of managers) {
    const ofTenant = await addMonthsTo(em, ahead);
    added.push(...ofTenant);
    if (ofTenant.length === 0) {
      without.push(em.schema ?? '');
    }
  }
  if (without.length > 0) {
    const where = without.every((schema) => schema === '') ? '' : ` in ${without.join(', ')}`;
    throw new SoftDeleteConfigError(
      'archive partitions',
      `none of ${MONTHLY_TABLES.map(({ table }) => table).join(' and ')}${where} has partitions.`,
      "Run the statements of complianceTablesSql({ partition: 'month' }) in a migration first.",
    );
  }
  return added;
}

async function addMonthsTo(em: EntityManager, ahead: number): Promise<AddedMonths[]> {
  if (findComplianceEntity(em, DeletionRecord)) {
    // Refuses to guess whose tables are meant.
    complianceTable(em, DeletionRecord);
  }
  const schema = em.schema ?? em.config.getSchema(true);
  const added: AddedMonths[] = [];
  for (const monthly of MONTHLY_TABLES) {
    const table: MonthlyTable = { ...monthly, schema };
    const before = await partitionsOf(em, table);
    if (before !== undefined) {
      await em.execute(addMonthsSql(table, ahead));
      const after = (await partitionsOf(em, table))!;
      const names = after.filter((name) => !before.includes(name));
      added.push({ ...tenantOf(em), table: monthly.table, added: names });
    }
  }
  return added;
}

/** The names of a table's partitions; nothing if it has none. */
async function partitionsOf(em: EntityManager, table: MonthlyTable): Promise<string[] | undefined> {
  const [row] = await em.execute<{ names: string[] }[]>(
    `select array(select i.inhrelid::regclass::text from pg_inherits as i where i.inhparent = c.oid order by 1) as names ` +
      `from pg_class as c where c.oid = to_regclass(?) and c.relkind = 'p'`,
    [qualify(table)],
  );
  return row?.names;
}

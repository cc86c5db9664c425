import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { MONTHLY_TABLES } from '../metadata/compliance-tables.js';
import { addMonthsSql, type MonthlyTable, qualify } from './month-partitions.js';

/** What was added to a table. @internal */
export interface AddedMonths {
  readonly table: string;
  /** The names of the partitions that were missing. */
  readonly added: readonly string[];
}

/**
 * Adds the partitions that the tables of `complianceEntities()` lack, for this month and so many to come.
 *
 * @throws SoftDeleteConfigError if none of the tables has partitions
 * @internal
 */
export async function addMonths(orm: AnyOrm, ahead: number): Promise<AddedMonths[]> {
  const em = orm.em.fork() as EntityManager;
  const schema = em.config.get('schema');
  const added: AddedMonths[] = [];
  for (const monthly of MONTHLY_TABLES) {
    const table: MonthlyTable = { ...monthly, schema };
    const before = await partitionsOf(em, table);
    if (before !== undefined) {
      await em.execute(addMonthsSql(table, ahead));
      const after = (await partitionsOf(em, table))!;
      added.push({ table: monthly.table, added: after.filter((name) => !before.includes(name)) });
    }
  }
  if (added.length === 0) {
    throw new SoftDeleteConfigError(
      'archive partitions',
      `none of ${MONTHLY_TABLES.map(({ table }) => table).join(' and ')} has partitions.`,
      "Run the statements of complianceTablesSql({ partition: 'month' }) in a migration first.",
    );
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

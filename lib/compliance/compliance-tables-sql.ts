import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { showValue } from '../errors/show-value.js';
import { APPEND_ONLY_TABLES, MONTHLY_TABLES } from '../metadata/compliance-tables.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { guardPartitionsSql, partitionByMonthSql } from './month-partitions.js';

/**
 * What the ORM's schema cannot say about the tables of `complianceEntities()`, as SQL statements for a migration that runs once after
 * they were created: triggers that refuse TRUNCATE, and partitions. A later `migration:create` finds nothing to do.
 *
 * ```ts
 * override up() { complianceTablesSql().forEach((sql) => this.addSql(sql)); }
 * ```
 *
 * @param options - `schema`, if the tables are not in the one that the connection finds by itself; `partition: 'month'` for a partition
 *   of records and archived rows each month, of which `soft-delete archive partitions` creates those to come
 * @throws SoftDeleteConfigError if an option is unknown
 * @publicApi
 */
export function complianceTablesSql(
  options: { readonly schema?: string; readonly partition?: 'month' } = {},
): string[] {
  refuseUnknownOptions('complianceTablesSql()', options, ['schema', 'partition']);
  const { schema, partition } = options;
  if (partition !== undefined && partition !== 'month') {
    throw new SoftDeleteConfigError(
      'complianceTablesSql(), partition',
      `it is ${showValue(partition)}.`,
      "Write 'month', or leave it out.",
    );
  }
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const qualify = (name: string) => (schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`);
  const partitions =
    partition === undefined ? [] : MONTHLY_TABLES.flatMap((monthly) => partitionByMonthSql({ ...monthly, schema }));
  const guards = APPEND_ONLY_TABLES.flatMap((table) => {
    const guard = `${table}_no_truncate`;
    return [
      `create or replace function ${qualify(`${guard}_fn`)}() returns trigger as $$ begin ` +
        `raise exception using errcode = 'restrict_violation', ` +
        `message = format('Refused to truncate %I.%I: the table is append-only.', tg_table_schema, tg_table_name); ` +
        `end; $$ language plpgsql`,
      `create or replace trigger ${quote(guard)} before truncate on ${qualify(table)} for each statement execute function ${qualify(`${guard}_fn`)}()`,
      guardPartitionsSql(qualify(table)),
    ];
  });
  return [...partitions, ...guards];
}

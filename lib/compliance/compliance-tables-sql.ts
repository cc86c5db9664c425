import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { showValue } from '../errors/text/show-value.js';
import { APPEND_ONLY_TABLES, COMPLIANCE_TABLES, MONTHLY_TABLES } from '../metadata/compliance-tables.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
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
 *   of records and archived rows each month, of which `soft-delete archive partitions` creates those to come. `archive:
 *   false` leaves out archived rows, of which `complianceEntities({ schema: '*' })` has no table
 * @throws SoftDeleteConfigError if an option is unknown
 * @publicApi
 */
export function complianceTablesSql(
  options: { readonly schema?: string; readonly partition?: 'month'; readonly archive?: boolean } = {},
): string[] {
  refuseUnknownOptions('complianceTablesSql()', options, ['schema', 'partition', 'archive']);
  const { schema, partition, archive = true } = options;
  requireType('complianceTablesSql(), schema', schema, 'string');
  requireType('complianceTablesSql(), archive', archive, 'boolean');
  const isMeant = (table: string) => archive || COMPLIANCE_TABLES.includes(table);
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
    partition === undefined
      ? []
      : MONTHLY_TABLES.filter(({ table }) => isMeant(table)).flatMap((monthly) =>
          partitionByMonthSql({ ...monthly, schema }),
        );
  const guards = APPEND_ONLY_TABLES.filter(isMeant).flatMap((table) => {
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

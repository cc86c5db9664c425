import type { OrmModel } from './soft-delete-catalog.js';

/** The tables of `complianceEntities()`. @internal */
export const COMPLIANCE_TABLES: readonly string[] = ['deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'];

/** Those of them whose rows nobody may remove: TRUNCATE is refused as well. @internal */
export const APPEND_ONLY_TABLES: readonly string[] = [...COMPLIANCE_TABLES, 'deletion_archive'];

/** Whether the ORM has the entities by which deletions are recorded and holds are kept. @internal */
export function hasComplianceTables(orm: Pick<OrmModel, 'getMetadata'>): boolean {
  return [...orm.getMetadata()].some(({ tableName }) => COMPLIANCE_TABLES.includes(tableName));
}

/** Those of them that grow with every deletion and may have a partition for each month, of the time in a column. @internal */
export const MONTHLY_TABLES: readonly { readonly table: string; readonly column: string }[] = [
  { table: 'deletion_record', column: 'at' },
  { table: 'deletion_archive', column: 'unit' },
];

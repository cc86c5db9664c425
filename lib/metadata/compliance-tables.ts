import type { OrmModel } from './soft-delete-catalog.js';

/** The tables of `complianceEntities()`. @internal */
export const COMPLIANCE_TABLES: readonly string[] = ['deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'];

/** Whether the ORM has the entities by which deletions are recorded and holds are kept. @internal */
export function hasComplianceTables(orm: Pick<OrmModel, 'getMetadata'>): boolean {
  return [...orm.getMetadata()].some(({ tableName }) => COMPLIANCE_TABLES.includes(tableName));
}

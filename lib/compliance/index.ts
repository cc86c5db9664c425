export type { DeletionContext } from '../events/deletion-context.js';
export { withDeletionContext } from '../events/with-deletion-context.js';
export { complianceEntities } from './compliance-entities.js';
export { complianceTablesSql } from './compliance-tables-sql.js';
export { type Compliance, createCompliance } from './create-compliance.js';
export {
  type DeletionAction,
  DeletionLog,
  type DeletionLogEntry,
  type DeletionLogQuery,
} from './record/deletion-log.js';

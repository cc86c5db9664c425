import type { EntityManager } from '@mikro-orm/postgresql';
import { contextOf } from '../../installation/context-of.js';
import { findInstallation } from '../../installation/installation.js';
import { tableName } from '../../sql/table-name.js';
import type { DueRows } from '../fragments/row-sql.js';

/** How what a run removes is recorded, and whether somebody wants to know which rows go. @internal */
export function whatIsTold(em: EntityManager): Pick<DueRows, 'record' | 'isObserved'> {
  const installation = findInstallation(em);
  const records = installation?.records;
  return {
    ...(records ? { record: { table: tableName(em, records), ...contextOf(installation) } } : {}),
    isObserved: installation?.events.isObserved ?? false,
  };
}

import type { PurgeReport } from '../purge/purge-report.js';

/**
 * A purge's report in one line of a log.
 *
 * @internal
 */
export function describePurgeReport(report: PurgeReport): { text: string; isClean: boolean } {
  const sum = (count: (entity: PurgeReport['entities'][number]) => number) =>
    report.entities.reduce((total, entity) => total + count(entity), 0);
  return { text: '', isClean: sum((e) => e.failed) === 0 };
}

import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { ResolvedPurgeOptions } from '../options/resolve-module-options.js';
import { showDuration } from '../options/show-duration.js';

/** What the application says at its start about what it keeps, and how loudly. @internal */
export interface RetentionLine {
  readonly level: 'log' | 'warn';
  readonly text: string;
}

/**
 * What is kept for how long and what purges it, in one line. It is a warning if rows are to be purged and nothing does.
 *
 * @returns nothing where no entity is marked
 * @internal
 */
export function describeRetentions(
  catalog: SoftDeleteCatalog,
  { cron, engine, retention: byDefault, timeZone }: ResolvedPurgeOptions,
): RetentionLine | undefined {
  const kept = catalog
    .all()
    .map(({ name, retention = byDefault }) => ({ name, retention }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (kept.length === 0) {
    return undefined;
  }
  const list = kept
    .map(({ name, retention }) => `${name} ${retention === 'forever' ? retention : showDuration(retention)}`)
    .join(', ');
  if (cron !== undefined) {
    return { level: 'log', text: `${list}; purge at ${cron}${timeZone === undefined ? '' : ` (${timeZone})`}` };
  }
  if (engine !== undefined) {
    return { level: 'log', text: `${list}; purge by an external engine` };
  }
  return kept.every(({ retention }) => retention === 'forever')
    ? { level: 'log', text: `${list}; no purge` }
    : {
        level: 'warn',
        text: `${list}; but nothing purges: set purge.cron, or purge.engine: 'external' if something outside of the application runs the purge`,
      };
}

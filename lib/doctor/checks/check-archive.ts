import type { EntityMetadata } from '@mikro-orm/core';
import { showCount } from '../../errors/text/show-count.js';
import { demandsNull } from '../../postgres/predicate.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';

const LOOKS_LIKE_TIMESTAMP = /^(deleted|removed|archived)_?(at|on|date|time)$/i;

/** The table of archived rows, and what is left of a soft deletion in the tables of archived entities. @internal */
export const checkArchive: Check = (examination) => {
  const archived = examination.catalog.allArchived();
  return archived.length === 0
    ? []
    : [
        ...checkTable(examination, archived[0]!.name),
        ...archived.flatMap(({ meta }) => checkRemains(examination, meta)),
      ];
};

function checkTable({ archive, role, largeTable }: Examination, entity: string): Finding[] {
  if (!archive) {
    return [];
  }
  const findings: Finding[] = [];
  // Whoever owns the table is told so with the other tables; who does not is only told what nobody drops.
  if (!archive.isOwned && archive.expired.length > 0) {
    const [first, ...others] = archive.expired;
    findings.push({
      code: 'archive-not-owned',
      severity: 'info',
      entity,
      problem: `${first}${others.length > 0 ? ` and ${showCount(others.length, 'other month')}` : ''} of the archive can be dropped and ${others.length > 0 ? 'are' : 'is'} not: ${role} does not own the table, ${archive.owner} does, so a purge under this role deletes the rows and keeps the partition.`,
      fix: `Let a purge run as ${archive.owner}: \`soft-delete purge\` with its configuration.`,
    });
  }
  if (!archive.isPartitioned && archive.rows >= largeTable) {
    findings.push({
      code: 'archive-not-partitioned',
      severity: 'info',
      entity,
      problem: `deletion_archive has about ${showCount(archive.rows, 'row')} and no partitions: the purge deletes them in batches, and vacuum has to follow.`,
      fix: "Run the statements of complianceTablesSql({ partition: 'month' }) in a migration; it rewrites the table.",
    });
  }
  return findings;
}

function checkRemains({ tableOf, quote, label }: Examination, meta: EntityMetadata): Finding[] {
  const table = tableOf(meta);
  const timestamp = table?.columns.find(
    ({ name, type }) => LOOKS_LIKE_TIMESTAMP.test(name) && type.startsWith('timestamp'),
  );
  if (!table || !timestamp) {
    return [];
  }
  const column = timestamp.name;
  const partial = table.indexes.filter(({ predicate }) => demandsNull(predicate, column));
  return [
    {
      code: 'archived-timestamp',
      severity: 'error',
      entity: meta.className,
      problem: `${label(table)} has a column ${column}, but deleted rows of ${meta.className} leave the table: rows in which it is set are active to everybody.`,
      fix: `Delete the rows in which it is set, so that they are archived, and then drop it: \`await em.getRepository(${meta.className}).softDelete({ … })\`, then alter table ${label(table)} drop column ${quote(column)};`,
    },
    ...partial.map(({ name, unique }): Finding => {
      const kind = unique ? 'unique' : 'index';
      return {
        code: 'archived-partial-index',
        severity: 'warning',
        entity: meta.className,
        problem: `${name} leaves out rows in which ${column} is set. The table of ${meta.className} has no deleted rows, so a plain ${kind} means the same and serves every query.`,
        fix: `Use the ORM's own @${unique ? 'Unique' : 'Index'}() on ${meta.className} without a condition.`,
      };
    }),
  ];
}

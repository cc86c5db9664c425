import type { EntityMetadata } from '@mikro-orm/core';
import { PersonalDataCatalog } from '../../compliance/erasure/declaration/personal-data-catalog.js';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { describeRetention, showDuration } from '../../options/show-duration.js';
import { lengthOf } from '../../options/interval.js';
import type { Examination } from '../examination.js';
import type { Finding } from '../finding.js';

type Marked = SoftDeletableEntityMetadata | ArchivedEntityMetadata;

/** Retentions that are over before a period is for which `@PersonalData()` keeps the rows: the purge knows of retentions alone. @internal */
export function findShortRetentions({ orm, catalog, retention }: Examination): Finding[] {
  return PersonalDataCatalog.of(orm)
    .all()
    .flatMap(({ meta, keep }) => {
      const marked = keep ? purgedWith(catalog, meta.root) : [];
      return marked.flatMap((entry): Finding[] => {
        const kept = entry.retention ?? retention;
        const { shortest, longest } = lengthOf(keep!.interval);
        return kept === 'forever' || kept >= shortest ? [] : [describe(meta, keep!, entry, kept, longest)];
      });
    });
}

/** The entities whose retention decides when the purge removes rows: their own, or those that take them along. */
function purgedWith(catalog: SoftDeleteCatalog, root: EntityMetadata): Marked[] {
  const reached = new Set([root]);
  const found = new Set<Marked>();
  for (const meta of reached) {
    const marked = catalog.findMarked(meta);
    if (marked) {
      found.add(marked);
      continue;
    }
    catalog.graph.edges
      .filter((relation) => takesAlong(relation) && relation.child.root === meta)
      .forEach(({ parent }) => reached.add(parent.root));
  }
  return [...found];
}

function describe(
  meta: EntityMetadata,
  { interval, property, ground }: { readonly interval: string; readonly property: string; readonly ground: string },
  { name, meta: purged }: Marked,
  retention: number,
  longest: number,
): Finding {
  const along = purged === meta.root ? '' : ` along with ${name}`;
  const period = interval.endsWith('milliseconds') ? describeRetention(lengthOf(interval).shortest) : interval;
  return {
    code: 'retention-shorter-than-keep',
    severity: 'warning',
    entity: meta.className,
    problem: `The purge removes rows of ${meta.className}${along} ${describeRetention(retention)} after their deletion, and does not wait until they have been kept for ${period} from ${property} on (${ground}).`,
    fix: `@SoftDeletable({ retention: '${showDuration(longest)}' }) on ${name}; longer, where ${property} may be later than the deletion.`,
  };
}

import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { type Duration, parseDuration, parseRetention } from '../options/duration.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { rowCount } from '../options/resolve-module-options.js';
import { activeViewSql } from '../schema/active-view-sql.js';
import { viewSource } from '../schema/active-view.js';
import { checkActiveUniques } from './checks/check-active-uniques.js';
import { checkArchive } from './checks/check-archive.js';
import { checkBacklog } from './checks/check-backlog.js';
import { checkColumns } from './checks/check-columns.js';
import { checkCompliance } from './checks/check-compliance.js';
import { checkForeignKeys } from './checks/check-foreign-keys.js';
import { checkModel } from './checks/check-model.js';
import { checkObjects } from './checks/check-objects.js';
import { checkPersonalData } from './checks/check-personal-data.js';
import { checkPurgeIndexes } from './checks/check-purge-indexes.js';
import { checkRepositories } from './checks/check-repositories.js';
import { checkUniques } from './checks/check-uniques.js';
import { configuredRetention } from '../installation/configured-retention.js';
import { entitiesWithOtherRepositories } from '../repository/other-repositories.js';
import { readDatabase } from '../postgres/catalog/read-database.js';
import { readArchive } from './database/read-archive.js';
import { readCompliance } from './database/read-compliance.js';
import { readOldestDeletions } from './database/read-oldest-deletions.js';
import type { Check, Examination } from './examination.js';
import type { Finding } from './finding.js';
import { readCatalog } from './read-catalog.js';

/** @publicApi */
export interface SoftDeleteDoctorOptions {
  /**
   * How long entities that name no retention keep their deleted rows: the `purge.retention` of the module.
   *
   * @default what `softDelete()` in the ORM's configuration says, else 'forever'
   */
  retention?: Duration | 'forever';
  /**
   * How long after its retention a deleted row may still be there.
   *
   * @default '7d'
   */
  grace?: Duration;
  /**
   * From how many rows on a table counts as large.
   *
   * @default 100000
   */
  largeTable?: number;
}

const CHECKS: readonly Check[] = [
  checkColumns,
  checkUniques,
  checkActiveUniques,
  checkPurgeIndexes,
  checkForeignKeys,
  checkModel,
  checkRepositories,
  checkObjects,
  checkCompliance,
  checkPersonalData,
  checkBacklog,
  checkArchive,
];
const ORDER: readonly Finding['severity'][] = ['error', 'warning', 'info'];

function longest(retentions: readonly (number | 'forever')[]): number | 'forever' {
  const finite = retentions.filter((retention) => retention !== 'forever');
  return finite.length < retentions.length ? 'forever' : Math.max(...finite);
}

/** The same database gives the same list: PostgreSQL and the discovery of entities promise no order of their own. */
function compareFindings(a: Finding, b: Finding): number {
  return (
    ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) ||
    compareTexts(a.entity, b.entity) ||
    compareTexts(a.code, b.code) ||
    compareTexts(a.problem, b.problem)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Compares the entities with the live database and reports problems, each with its effect and the line of code or SQL that fixes it.
 *
 * ```ts
 * const findings = await new SoftDeleteDoctor(orm).examine();
 * ```
 *
 * @publicApi
 */
export class SoftDeleteDoctor {
  readonly #retention: number | 'forever';
  readonly #grace: number;
  readonly #largeTable: number;

  /** @throws SoftDeleteConfigError if an option cannot work */
  constructor(
    private readonly orm: AnyOrm,
    options: SoftDeleteDoctorOptions = {},
  ) {
    refuseUnknownOptions('doctor', options, ['retention', 'grace', 'largeTable'], 'doctor.');
    const retention = options.retention ?? configuredRetention(orm.em) ?? 'forever';
    this.#retention = parseRetention('doctor.retention', retention);
    this.#grace = parseDuration('doctor.grace', options.grace ?? '7d');
    this.#largeTable = rowCount('doctor.largeTable', options.largeTable) ?? 100_000;
  }

  /** Returns all findings, errors first, then by entity. Runs four queries in one read-only transaction, some more for records, holds and the archive, and changes nothing. */
  async examine(): Promise<Finding[]> {
    const em = this.orm.em.fork() as EntityManager;
    const { catalog, findings } = readCatalog(em);
    const examination = await em.transactional(
      async (em) => {
        const metadata = [...em.getMetadata()];
        const database = await readDatabase(em, metadata);
        const purged = catalog.all().filter(({ meta, column, retention }) => {
          const table = database.tableOf(meta);
          const hasColumn = table?.columns.some(({ name, type }) => name === column && type.startsWith('timestamp'));
          return table?.readable && hasColumn && (retention ?? this.#retention) !== 'forever';
        });
        const archived = catalog.allArchived();
        const retentions = archived.map(({ retention }) => retention ?? this.#retention);
        return {
          ...database,
          platform: em.getPlatform(),
          metadata,
          catalog,
          orm: em,
          otherRepositories: entitiesWithOtherRepositories(em, catalog),
          compliance: await readCompliance(em, metadata, (meta) => database.tableOf(meta)?.readable ?? false),
          oldestDeletion: await readOldestDeletions(em, purged),
          archive: archived.length > 0 ? await readArchive(em, longest(retentions)) : undefined,
          retention: this.#retention,
          grace: this.#grace,
          largeTable: this.#largeTable,
          expectedView: (meta: EntityMetadata) => {
            const source = viewSource(meta);
            return source && catalog.find(source) ? activeViewSql(em, source, catalog) : undefined;
          },
        } satisfies Examination;
      },
      { readOnly: true },
    );
    for (const check of CHECKS) {
      findings.push(...check(examination));
    }
    return findings.sort(compareFindings);
  }
}

import { MetadataStorage } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type OrmModel, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { Finding } from './finding.js';

/**
 * The catalog of the entities whose marks can work, and a finding for each of the others: one wrong mark is no reason to say
 * nothing about the rest.
 *
 * @internal
 */
export function readCatalog(em: OrmModel): { catalog: SoftDeleteCatalog; findings: Finding[] } {
  const storage = em.getMetadata();
  const catalogOf = (part: MetadataStorage) => SoftDeleteCatalog.of({ config: em.config, getMetadata: () => part });
  const findings: Finding[] = [];
  const sound = new MetadataStorage();
  for (const meta of storage) {
    const alone = new MetadataStorage();
    alone.set(meta.class, meta);
    try {
      catalogOf(alone);
      sound.set(meta.class, meta);
    } catch (error) {
      if (!(error instanceof SoftDeleteConfigError)) {
        throw error;
      }
      findings.push({
        code: 'invalid-mark',
        severity: 'error',
        entity: meta.className,
        problem: `The mark cannot work, and the application does not start with it. ${error.problem}`,
        fix: error.advice,
      });
    }
  }
  return { catalog: catalogOf(findings.length === 0 ? storage : sound), findings };
}

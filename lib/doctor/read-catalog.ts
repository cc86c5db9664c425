import { MetadataStorage } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { Finding } from './finding.js';

/**
 * The catalog of the entities whose marks can work, and a finding for each of the others: one wrong mark is no reason to say
 * nothing about the rest.
 *
 * @internal
 */
export function readCatalog(storage: MetadataStorage): { catalog: SoftDeleteCatalog; findings: Finding[] } {
  const findings: Finding[] = [];
  const sound = new MetadataStorage();
  for (const meta of storage) {
    const alone = new MetadataStorage();
    alone.set(meta.class, meta);
    try {
      SoftDeleteCatalog.of(alone);
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
  return { catalog: findings.length === 0 ? SoftDeleteCatalog.of(storage) : SoftDeleteCatalog.of(sound), findings };
}

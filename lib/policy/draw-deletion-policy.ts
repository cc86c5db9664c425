import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RelationPolicy } from '../options/soft-deletable-options.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { showMembers } from './show-members.js';

const ARROWS: Readonly<Record<RelationPolicy, string>> = { cascade: '==>', restrict: '--x', keep: '-.->' };

/**
 * A Mermaid flowchart of what the deletion of a row does to the rows behind its relations. Archived entities are cylinders, those that are
 * removed at once are round. Reads no database.
 *
 * @internal
 */
export function drawDeletionPolicy(em: EntityManager): string {
  const catalog = SoftDeleteCatalog.of(em);
  const nodes = new Map<string, EntityMetadata>();
  const arrows: string[] = [];
  for (const { meta } of catalog.allMarked()) {
    nodes.set(meta.className, meta);
    for (const relation of catalog.graph.from(meta)) {
      const { child, name, policy } = relation;
      const members = showMembers(relation);
      const isLater = policy === 'cascade' && catalog.find(meta) && !catalog.findMarked(child);
      const text = `${name.split('.').at(-1)}: ${policy}${isLater ? ' at the purge' : ''}${members && `, ${members}`}`;
      nodes.set(child.root.className, child.root);
      arrows.push(`  ${meta.className} ${ARROWS[policy]}|"${text.replaceAll('"', '#quot;')}"| ${child.root.className}`);
    }
  }
  const shape = ([name, meta]: [string, EntityMetadata]) => {
    const [open, close] = catalog.find(meta) ? ['[', ']'] : catalog.findArchived(meta) ? ['[(', ')]'] : ['([', '])'];
    return `  ${name}${open}"${name}"${close}`;
  };
  return ['flowchart LR', ...[...nodes].map(shape).sort(), ...[...new Set(arrows)].sort()].join('\n');
}

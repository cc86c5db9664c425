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
  const nodes = new Set<string>();
  const arrows: string[] = [];
  for (const { meta } of catalog.allMarked()) {
    nodes.add(meta.className);
    for (const relation of catalog.graph.from(meta)) {
      const { child, name, policy } = relation;
      const target = child.root.className;
      const members = showMembers(relation);
      const isLater = policy === 'cascade' && catalog.find(meta) && !catalog.findMarked(child);
      const text = `${name.split('.').at(-1)}: ${policy}${isLater ? ' at the purge' : ''}${members && `, ${members}`}`;
      nodes.add(target);
      arrows.push(`  ${meta.className} ${ARROWS[policy]}|"${text.replaceAll('"', '#quot;')}"| ${target}`);
    }
  }
  const soft = new Set(catalog.all().map(({ meta }) => meta.className));
  const archived = new Set(catalog.allArchived().map(({ meta }) => meta.className));
  const shape = (name: string) =>
    `  ${name}${soft.has(name) ? `["${name}"]` : archived.has(name) ? `[("${name}")]` : `(["${name}"])`}`;
  return ['flowchart LR', ...[...nodes].sort().map(shape), ...[...new Set(arrows)].sort()].join('\n');
}

import type { EntityManager } from '@mikro-orm/postgresql';
import type { RelationPolicy } from '../options/soft-deletable-options.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { showMembers } from './show-members.js';

const ARROWS: Readonly<Record<RelationPolicy, string>> = { cascade: '==>', restrict: '--x', keep: '-.->' };

/**
 * A Mermaid flowchart of what the deletion of a row does to the rows behind its relations. Entities that are removed at once are
 * round. Reads no database.
 *
 * @internal
 */
export function drawDeletionPolicy(em: EntityManager): string {
  const catalog = SoftDeleteCatalog.of(em);
  const nodes = new Set<string>();
  const arrows: string[] = [];
  for (const { meta } of catalog.all()) {
    nodes.add(meta.className);
    for (const relation of catalog.graph.from(meta)) {
      const { child, name, policy } = relation;
      const target = child.root.className;
      const members = showMembers(relation);
      const text = `${name.split('.').at(-1)}: ${policy}${members && `, ${members}`}`;
      nodes.add(target);
      arrows.push(`  ${meta.className} ${ARROWS[policy]}|"${text.replaceAll('"', '#quot;')}"| ${target}`);
    }
  }
  const shape = (name: string) =>
    catalog.all().some(({ meta }) => meta.className === name) ? `  ${name}["${name}"]` : `  ${name}(["${name}"])`;
  return ['flowchart LR', ...[...nodes].sort().map(shape), ...[...new Set(arrows)].sort()].join('\n');
}

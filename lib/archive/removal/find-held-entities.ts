import { type EntityMetadata, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * The entities of which a row may be covered by a hold on a row of the given ones: those with a chain of keys that leads there, and what
 * `cascade` relations reach. More than a hold covers, and never less.
 *
 * @internal
 */
export function findHeldEntities(
  em: EntityManager,
  { graph }: SoftDeleteCatalog,
  named: Iterable<EntityMetadata>,
): Set<EntityMetadata> {
  const held = new Set([...named].map(({ root }) => root));
  const metas = [...em.getMetadata()];
  for (let before = -1; before !== held.size;) {
    before = held.size;
    for (const meta of metas) {
      const keys = meta.relations.filter(
        ({ kind, owner }) =>
          kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner === true),
      );
      const targets = keys.flatMap(({ polymorphTargets, targetMeta }) => polymorphTargets ?? [targetMeta!]);
      if (targets.some((target) => held.has(target.root))) {
        held.add(meta.root);
      }
    }
    graph.edges
      .filter((relation) => takesAlong(relation) && held.has(relation.parent.root))
      .forEach(({ child }) => held.add(child.root));
  }
  return held;
}

/** Whether holds that reach these entities may cover archived rows of an entity, or what was archived along with them. @internal */
export function mayCoverArchived(
  catalog: SoftDeleteCatalog,
  held: ReadonlySet<EntityMetadata>,
  meta: EntityMetadata,
): boolean {
  return [...findArchivedAlong(catalog, meta)].some((each) => held.has(each));
}

/** The entities of which rows stay in the archive as long as those of one: itself, and plain ones that went along. */
function findArchivedAlong(catalog: SoftDeleteCatalog, { root }: EntityMetadata): Set<EntityMetadata> {
  const along = new Set([root]);
  for (const meta of along) {
    catalog.graph.edges
      .filter(
        (relation) => takesAlong(relation) && relation.parent.root === meta && !catalog.findMarked(relation.child),
      )
      .forEach(({ child }) => along.add(child.root));
  }
  return along;
}

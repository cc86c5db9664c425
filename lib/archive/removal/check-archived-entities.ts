import type { MetadataStorage } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { DeletionArchive } from '../snapshot/deletion-archive.entity.js';

/**
 * Refuses archived entities that could not be deleted, or would not come back as they were.
 *
 * @throws SoftDeleteConfigError if the ORM does not know the table of archived rows, or if rows that stay behind hold keys to archived
 * ones that nothing clears
 * @internal
 */
export function checkArchivedEntities(storage: MetadataStorage, catalog: SoftDeleteCatalog): void {
  const [first] = catalog.allArchived();
  if (first && !storage.find(DeletionArchive.meta.class)) {
    throw new SoftDeleteConfigError(
      `@SoftDeletable() on ${first.name}, strategy`,
      "with 'archive' deleted rows go to the table deletion_archive, which is not among the entities of this ORM.",
      'Add `...complianceEntities()` of nestjs-mikro-orm-soft-delete/compliance to its `entities`, and create the table with a migration.',
    );
  }
  for (const relation of catalog.graph.edges) {
    if (catalog.findArchived(relation.parent)) {
      checkReference(catalog, relation);
    }
  }
}

function checkReference(catalog: SoftDeleteCatalog, { name, parent, child, link, policy }: GraphRelation): void {
  if (link.kind !== 'child-key') {
    return;
  }
  const prop = child.properties[link.property]!;
  const isCleared =
    link.nullable && link.deleteRule === 'set null' && prop.createForeignKeyConstraint !== false && !prop.polymorphic;
  const isSoft = catalog.find(child) !== undefined;
  if (isCleared || (policy !== 'keep' && !isSoft)) {
    return;
  }
  throw new SoftDeleteConfigError(
    `@SoftDeletable() on ${parent.root.className}, strategy`,
    isSoft
      ? `deleted rows leave the table, but rows of ${child.className} are soft-deleted and keep their key (${child.className}.${link.property}).`
      : `deleted rows leave the table, but rows of ${child.className} stay and keep their key (${name}, policy 'keep').`,
    isSoft
      ? `Declare ${child.className}.${link.property} with \`nullable: true, deleteRule: 'set null'\` (a restoration sets it again), or archive ${child.className} as well.`
      : `Declare ${child.className}.${link.property} with \`nullable: true, deleteRule: 'set null'\` (a restoration writes it again), or the relation as 'cascade' or 'restrict'.`,
  );
}

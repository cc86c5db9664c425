import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { keyText } from '../../metadata/key-text.js';
import type { ConflictView } from './admin-responses.js';

/** Conflicts with their keys as text. @internal */
export function describeConflicts(catalog: SoftDeleteCatalog, conflicts: readonly RestoreConflict[]): ConflictView[] {
  return conflicts.map(({ key, conflictingKey, ...conflict }) => {
    const meta = [...catalog.getMetadata()].find(({ className }) => className === conflict.entity);
    const other = conflict.reason === 'parent-deleted' ? parentOf(catalog, conflict.constraint) : meta;
    return {
      ...conflict,
      key: key === undefined || !meta ? null : keyText(meta, key),
      ...(conflictingKey === undefined || !other
        ? {}
        : { conflictingKey: keyText(other, conflictingKey), conflictingEntity: other.className }),
    };
  });
}

function parentOf(catalog: SoftDeleteCatalog, relation: string | undefined): EntityMetadata | undefined {
  return catalog.graph.edges.find(({ name }) => name === relation)?.parent;
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import { rowConditionSql } from '../sql/row-condition-sql.js';

/**
 * Writes the `where` of every relation once, so that one which cannot be honoured is found before anything is deleted by it.
 *
 * @throws SoftDeleteConfigError naming the relation
 * @internal
 */
export function checkRelationConditions(em: EntityManager, graph: RelationGraph): void {
  for (const { name, members } of graph.edges) {
    for (const condition of members.child) {
      if (!('where' in condition)) {
        continue;
      }
      try {
        rowConditionSql(em, condition.entity.root, 'c', condition);
      } catch (error) {
        throw new SoftDeleteConfigError(
          `The \`where\` of ${name}`,
          `it cannot be written as SQL: ${(error as Error).message}`,
          'A deletion reaches only members of a relation: use a condition with which the ORM can load the relation.',
        );
      }
    }
  }
}

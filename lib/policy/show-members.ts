import type { Membership, GraphRelation } from '../metadata/relations/graph-relation.js';
import { showCondition } from './show-condition.js';

/**
 * Which of the rows that its key leads to a relation is about, as far as a `where` decides that: `''` if it is about all of them.
 *
 * @internal
 */
export function showMembers({ members, except }: GraphRelation): string {
  const others = [...new Set(except.map(showWhere).filter((where) => where !== undefined))];
  const where = showWhere(members);
  return [
    ...(where === undefined ? [] : [`where ${where}`]),
    ...(others.length > 0 ? [`except where ${others.join(' or ')}`] : []),
  ].join(', ');
}

function showWhere({ child }: Membership): string | undefined {
  const conditions = child.flatMap((condition) => ('where' in condition ? [showCondition(condition.where)] : []));
  return conditions.length > 0 ? conditions.join(' and ') : undefined;
}

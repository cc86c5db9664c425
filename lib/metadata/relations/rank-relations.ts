import type { GraphRelation } from './graph-relation.js';
import { RELATION_POLICIES } from './relation-policies.js';

/** A relation with where its policy comes from. @internal */
export interface RelationCandidate {
  readonly edge: GraphRelation;
  /** Whether `@SoftDeletable({ relations })` names the policy. */
  readonly isDeclared: boolean;
}

/**
 * Decides which relation speaks for which rows where several lead over one key to one table.
 *
 * The policy of a row is that of the relations it is a member of. If there are several, in this order:
 *
 * 1. A relation of some of the rows (by its `where`, or to a class of the hierarchy) beats one of all rows.
 * 2. `'restrict'` beats `'keep'`, which beats `'cascade'`, so that nothing is deleted which one of the relations wants to stay.
 * 3. A relation that says nothing, neither in `@SoftDeletable({ relations })` nor by the ORM's own cascades, does not count: it is
 *    a way of reading. So `published` beside `posts` with `Cascade.ALL` keeps a post only if it is declared `'keep'`.
 *
 * Rows that no such relation contains are left to the key: `'cascade'` with `deleteRule: 'cascade'`, since a physical delete would
 * take them, else `'keep'`.
 *
 * @param candidates - relations over one key
 * @internal
 */
export function rankRelations(candidates: readonly RelationCandidate[]): GraphRelation[] {
  const whole = candidates.filter(({ edge }) => !isPartial(edge));
  const [decisive] = whole.toSorted(
    (one, other) => rank(other) - rank(one) || Number(isKeyAlone(one)) - Number(isKeyAlone(other)),
  );
  const partial = candidates.filter(({ edge }) => isPartial(edge) && !(whole.length > 0 && isKeyAlone({ edge })));
  const deciding = partial.filter((candidate) => rank(candidate) > 0);
  const silent = decisive?.edge.policy === 'keep' || !decisive ? partial.filter((one) => rank(one) === 0) : [];
  return [
    ...(decisive ? [except(decisive.edge, deciding)] : []),
    ...deciding.map((candidate) =>
      except(
        candidate.edge,
        deciding.filter((other) => rank(other) > rank(candidate)),
      ),
    ),
    ...silent.map(({ edge }) => edge),
  ];
}

function isPartial({ members }: GraphRelation): boolean {
  return members.parent.length > 0 || members.child.length > 0;
}

function isKeyAlone({ edge }: Pick<RelationCandidate, 'edge'>): boolean {
  return edge.property === undefined;
}

/** 0 for a relation that says nothing. */
function rank({ edge, isDeclared }: RelationCandidate): number {
  return edge.policy === 'keep' && !isDeclared ? 0 : RELATION_POLICIES[edge.policy].rank;
}

function except(edge: GraphRelation, others: readonly RelationCandidate[]): GraphRelation {
  return { ...edge, except: others.map((other) => other.edge.members) };
}

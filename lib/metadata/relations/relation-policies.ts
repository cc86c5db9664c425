import type { RelationPolicy } from '../../options/soft-deletable-options.js';

/** What a policy means for the rows behind a relation. @internal */
export interface PolicyMeaning {
  /** Whether they share the fate of the row: deleted, restored, removed and purged with it. */
  readonly takesAlong: boolean;
  /** Whether an active one among them keeps the row from being deleted. */
  readonly refuses: boolean;
  /** Which of several declared policies decides about a row: the higher one. */
  readonly rank: number;
}

/** Every policy, with an answer to every question that is asked about one. @internal */
export const RELATION_POLICIES: Readonly<Record<RelationPolicy, PolicyMeaning>> = {
  cascade: { takesAlong: true, refuses: false, rank: 1 },
  restrict: { takesAlong: false, refuses: true, rank: 3 },
  keep: { takesAlong: false, refuses: false, rank: 2 },
};

/** @internal */
export function takesAlong({ policy }: { readonly policy: RelationPolicy }): boolean {
  return RELATION_POLICIES[policy].takesAlong;
}

/** @internal */
export function refuses({ policy }: { readonly policy: RelationPolicy }): boolean {
  return RELATION_POLICIES[policy].refuses;
}

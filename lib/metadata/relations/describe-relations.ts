import { type EntityMetadata, ReferenceKind } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { RelationPolicy } from '../../options/soft-deletable-options.js';
import { RELATION_POLICIES } from './relation-policies.js';

/**
 * The `relations` of a mark, checked.
 *
 * @throws SoftDeleteConfigError if there is no such relation or policy
 * @internal
 */
export function describeRelations(
  meta: EntityMetadata,
  where: string,
  relations: Record<string, RelationPolicy | undefined>,
): Record<string, RelationPolicy> {
  const described: Record<string, RelationPolicy> = {};
  const properties = [meta, ...descendants(meta)].flatMap(({ relations: own }) => own);
  for (const [name, policy] of Object.entries(relations)) {
    if (policy === undefined) {
      continue;
    }
    const option = `${where}, relations.${name}`;
    const prop = properties.find((candidate) => candidate.name === name);
    if (!prop || !pointsAway(prop)) {
      const allowed = [...new Set(properties.filter(pointsAway).map((candidate) => candidate.name))];
      throw new SoftDeleteConfigError(
        option,
        prop
          ? 'the relation belongs to this side, so a deletion does not reach through it.'
          : 'there is no such relation.',
        allowed.length > 0
          ? `The to-many and inverse one-to-one relations are: ${allowed.join(', ')}.`
          : 'The entity has no to-many or inverse one-to-one relation.',
      );
    }
    if (!Object.hasOwn(RELATION_POLICIES, policy)) {
      throw new SoftDeleteConfigError(
        option,
        `${JSON.stringify(policy)} is not a policy.`,
        `Write one of: ${Object.keys(RELATION_POLICIES)
          .map((name) => `'${name}'`)
          .join(', ')}.`,
      );
    }
    described[name] = policy;
  }
  return described;
}

/** Whether the rows at the other end are what this row owns, rather than what owns it. */
function pointsAway(prop: { kind: ReferenceKind; owner: boolean }): boolean {
  return (
    prop.kind === ReferenceKind.ONE_TO_MANY ||
    prop.kind === ReferenceKind.MANY_TO_MANY ||
    (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner)
  );
}

function descendants(meta: EntityMetadata): EntityMetadata[] {
  const children = meta.root.inheritanceType === 'tpt' ? (meta.tptChildren ?? []) : (meta.polymorphs ?? []);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import type { GraphRelation } from '../../../metadata/relations/graph-relation.js';
import { classConditions } from '../../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { findProperty } from './find-properties.js';

/** The relations of a path, and the entity at its end. @internal */
export type DescribedPath = Pick<{ edges: readonly GraphRelation[]; subject: EntityMetadata }, 'edges' | 'subject'>;

/**
 * The relations that a path leads through: several ways where a polymorphic one leads to several entities, of which those to persons
 * count.
 *
 * @throws SoftDeleteConfigError if a part of it is unknown, no to-one relation, or it does not end at a person
 * @internal
 */
export function describePath(
  catalog: SoftDeleteCatalog,
  where: string,
  classes: readonly EntityMetadata[],
  path: string,
  isSubject: (meta: EntityMetadata) => boolean,
): DescribedPath[] {
  let ways: DescribedPath[] = [{ edges: [], subject: classes[0]! }];
  path.split('.').forEach((name, i) => {
    const next = ways.flatMap(({ edges, subject }) => {
      const among = i === 0 ? classes : [subject];
      const isPolymorphic = ways.length > 1;
      if (isPolymorphic && !Object.hasOwn(subject.properties, name)) {
        return [];
      }
      const { meta, prop } = findProperty(where, among, name);
      return steps(catalog, where, meta, prop).map((edge) => ({ edges: [...edges, edge], subject: edge.parent }));
    });
    ways = next;
  });
  const found = ways.filter(({ subject }) => isSubject(subject));
  if (found.length === 0) {
    const ends = ways.map(({ subject }) => subject.className).join(' and ') || 'nothing';
    throw new SoftDeleteConfigError(
      where,
      `"${path}" leads to ${ends}, which is not a person.`,
      `Mark it with @PersonalData({ subject: true, … }), or name the whole path to the person, such as 'order.customer'.`,
    );
  }
  return found;
}

/** A to-one relation with what it leads to as the parent, whichever side holds the key. */
function steps(catalog: SoftDeleteCatalog, where: string, meta: EntityMetadata, prop: EntityProperty): GraphRelation[] {
  const isToOne = prop.kind === ReferenceKind.MANY_TO_ONE || prop.kind === ReferenceKind.ONE_TO_ONE;
  if (!isToOne || prop.persist === false || !prop.targetMeta) {
    throw new SoftDeleteConfigError(
      where,
      `${meta.className}.${prop.name} is not a to-one relation.`,
      'A path to a person consists of @ManyToOne() and @OneToOne() relations.',
    );
  }
  if (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner) {
    return inverseStep(catalog, meta, prop);
  }
  return catalog.graph
    .candidatesOf(meta, prop)
    .map(({ edge }) => edge)
    .filter(({ link }) => link.kind === 'child-key');
}

/** The person's row holds the key. */
function inverseStep({ graph }: SoftDeleteCatalog, meta: EntityMetadata, prop: EntityProperty): GraphRelation[] {
  const target = prop.targetMeta!;
  const owner = target.properties[prop.mappedBy as never] as EntityProperty;
  return graph
    .candidatesOf(target, owner)
    .filter(({ edge }) => edge.link.kind === 'child-key' && edge.parent.root === meta.root)
    .map(({ edge }) => {
      const { table, columns, referenced } = edge.link as GraphRelation['link'] & { kind: 'child-key' };
      return {
        name: `${meta.className}.${prop.name}`,
        property: undefined,
        parent: target,
        child: meta,
        policy: 'keep',
        link: { kind: 'parent-key', table, columns, referenced },
        linkConditions: edge.linkConditions,
        members: { parent: classConditions(target, table), child: classConditions(meta) },
        except: [],
      };
    });
}

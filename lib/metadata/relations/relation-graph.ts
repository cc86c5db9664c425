import {
  Cascade,
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  RawQueryFragment,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { RelationPolicy } from '../../options/soft-deletable-options.js';
import { hasTable } from '../has-table.js';
import { rankRelations, type RelationCandidate } from './rank-relations.js';
import type { ColumnCondition, GraphRelation, RelationLink, RowCondition } from './graph-relation.js';

export type { ColumnCondition, GraphRelation } from './graph-relation.js';

/** What the marks of entities say about their relations. @internal */
export interface DeclaredPolicies {
  findMarked(meta: EntityMetadata): { readonly relations: Readonly<Record<string, RelationPolicy>> } | undefined;
}

/**
 * Every relation of the ORM's entities with what a deletion does to the rows behind it.
 *
 * @internal
 */
export class RelationGraph {
  readonly edges: readonly GraphRelation[];
  readonly #byParent = new Map<EntityMetadata, GraphRelation[]>();

  constructor(
    private readonly storage: MetadataStorage,
    private readonly marks: DeclaredPolicies,
    private readonly defaultDeleteRule: string | undefined,
  ) {
    const metas = [...storage].filter(isTable);
    const candidates = metas.flatMap((meta) =>
      meta.relations.filter((prop) => !isInherited(metas, meta, prop)).flatMap((prop) => this.candidatesOf(meta, prop)),
    );
    const byKey = Map.groupBy(candidates, ({ edge }) => identify(edge));
    this.edges = [...byKey.values()].flatMap(rankRelations);
    for (const edge of this.edges) {
      const root = edge.parent.root;
      this.#byParent.set(root, [...(this.#byParent.get(root) ?? []), edge]);
    }
  }

  /** The relations that start from any class of the entity's hierarchy. */
  from(meta: EntityMetadata): readonly GraphRelation[] {
    return this.#byParent.get(meta.root) ?? [];
  }

  /** What a property alone says, whatever other relations over its key say. */
  candidatesOf(meta: EntityMetadata, prop: EntityProperty): RelationCandidate[] {
    if (!prop.targetMeta || prop.persist === false || (prop.embedded && prop.object)) {
      return [];
    }
    switch (prop.kind) {
      case ReferenceKind.ONE_TO_MANY:
        return this.#toMany(meta, prop);
      case ReferenceKind.MANY_TO_MANY:
        return this.#manyToMany(meta, prop);
      case ReferenceKind.ONE_TO_ONE:
        return prop.owner ? this.#toOne(meta, prop) : this.#toMany(meta, prop);
      case ReferenceKind.MANY_TO_ONE:
        return this.#toOne(meta, prop);
      default:
        return [];
    }
  }

  #toMany(meta: EntityMetadata, prop: EntityProperty): RelationCandidate[] {
    const child = prop.targetMeta!;
    const owner: EntityProperty | undefined = child.properties[prop.mappedBy as string];
    if (!owner?.joinColumns) {
      return [];
    }
    const link = this.#childKey(child, owner, meta);
    const isOfAncestor = !owner.polymorphic && owner.targetMeta !== meta && owner.targetMeta?.root === meta.root;
    const members = {
      parent: isOfAncestor ? classConditions(meta) : [],
      child: [...classConditions(child, link.table), ...whereConditions(child, prop)],
    };
    const isPartial = members.parent.length > 0 || members.child.length > 0;
    const policy = this.#policy(meta, prop, isPartial ? undefined : owner);
    return [
      this.#candidate(meta, prop, { parent: meta, child, link, members, policy }, polymorphicCondition(owner, meta)),
    ];
  }

  #toOne(meta: EntityMetadata, prop: EntityProperty): RelationCandidate[] {
    const targets = prop.polymorphic ? (prop.polymorphTargets ?? []) : [prop.targetMeta!];
    return targets.flatMap((target) => {
      const conditions = polymorphicCondition(prop, target);
      const link = this.#childKey(meta, prop, target);
      const members = { parent: [], child: classConditions(meta, link.table) };
      const policy = this.#deleteRule(prop) === 'cascade' ? 'cascade' : 'keep';
      const behind = { parent: target, child: meta, link, members, policy } as const;
      const inFront = {
        parent: meta,
        child: target,
        policy: 'cascade',
        link: { kind: 'parent-key', table: link.table, columns: link.columns, referenced: link.referenced },
        members: { parent: ownRows(meta), child: whereConditions(target, prop) },
      } as const;
      return [
        { edge: { ...this.#candidate(meta, prop, behind, conditions).edge, property: undefined }, isDeclared: false },
        ...(cascadesRemoval(prop) ? [this.#candidate(meta, prop, inFront, conditions)] : []),
      ];
    });
  }

  #manyToMany(meta: EntityMetadata, prop: EntityProperty): RelationCandidate[] {
    const pivot = this.storage.find(prop.pivotEntity as never);
    if (!pivot) {
      return [];
    }
    const targets = (prop.owner && prop.polymorphTargets) || [prop.targetMeta!];
    const owner = prop.owner ? prop : (prop.targetMeta!.properties[prop.mappedBy as string] as EntityProperty);
    const isUnion = Boolean(owner.polymorphTargets);
    return targets.map((child) => {
      const link = {
        kind: 'pivot',
        table: pivot,
        parentColumns: prop.joinColumns,
        parentReferenced: primaryColumns(meta),
        childColumns: prop.inverseJoinColumns,
        childReferenced: primaryColumns(child),
        polymorphicSide: prop.polymorphic ? (isUnion === prop.owner ? 'child' : 'parent') : undefined,
      } as const;
      const members = { parent: ownRows(meta), child: [...classConditions(child), ...whereConditions(child, prop)] };
      const discriminated = isUnion === prop.owner ? child : meta;
      const conditions = isUnion ? polymorphicCondition(owner, discriminated) : discriminatorValue(prop);
      const edge = { parent: meta, child, link, members, policy: this.#policy(meta, prop) };
      return this.#candidate(meta, prop, edge, conditions);
    });
  }

  #candidate(
    meta: EntityMetadata,
    prop: EntityProperty,
    edge: Pick<GraphRelation, 'parent' | 'child' | 'link' | 'members' | 'policy'>,
    linkConditions: readonly ColumnCondition[],
  ): RelationCandidate {
    return {
      edge: { name: `${meta.className}.${prop.name}`, property: prop.name, ...edge, linkConditions, except: [] },
      isDeclared: this.marks.findMarked(meta)?.relations[prop.name] !== undefined,
    };
  }

  #childKey(child: EntityMetadata, prop: EntityProperty, target: EntityMetadata): RelationLink & { kind: 'child-key' } {
    return {
      kind: 'child-key',
      table: owningTable(child, prop),
      columns: keyColumns(prop),
      referenced: referencedColumns(prop, target),
      nullable: prop.nullable ?? false,
      deleteRule: this.#deleteRule(prop),
      property: prop.name,
    };
  }

  #policy(meta: EntityMetadata, prop: EntityProperty, owner?: EntityProperty): RelationPolicy {
    const declared = this.marks.findMarked(meta)?.relations[prop.name];
    if (declared) {
      return declared;
    }
    return cascadesRemoval(prop) || (owner && this.#deleteRule(owner) === 'cascade') ? 'cascade' : 'keep';
  }

  /** A key without its own rule gets the default of the schema generator. */
  #deleteRule(prop: EntityProperty): string | undefined {
    const rule = prop.createForeignKeyConstraint === false ? undefined : this.defaultDeleteRule;
    return (prop.deleteRule ?? rule)?.toLowerCase();
  }
}

/** Whether the entity has rows of its own in a table. */
function isTable(meta: EntityMetadata): boolean {
  return hasTable(meta) && !meta.pivotTable;
}

/** @internal */
export function primaryColumns(meta: EntityMetadata): string[] {
  return meta.getPrimaryProps().flatMap((prop) => prop.fieldNames);
}

function cascadesRemoval(prop: EntityProperty): boolean {
  return (
    Boolean(prop.orphanRemoval) ||
    Boolean(prop.cascade?.includes(Cascade.REMOVE)) ||
    Boolean(prop.cascade?.includes(Cascade.ALL))
  );
}

/**
 * The columns of the key that a to-one relation holds; none for other relations. With a `targetKey` the ORM names the column after the primary key, and
 * `joinColumns` after the key (`initManyToOneFields` in `MetadataDiscovery.js`); and it leaves `joinColumns` as they are where the
 * embeddable that holds the key has a prefix (`initEmbeddables`). Those of a polymorphic key do not count its discriminator.
 *
 * @internal
 */
export function keyColumns(prop: EntityProperty): readonly string[] {
  const found: readonly string[] | undefined = prop.polymorphic ? prop.joinColumns : prop.fieldNames;
  return found ?? [];
}

/** In a table-per-type hierarchy a column lives on the table of the class that declares it. @internal */
export function owningTable(meta: EntityMetadata, prop: EntityProperty): EntityMetadata {
  let current = meta;
  while (current.tptParent && current.tptParent.properties[prop.name]) {
    current = current.tptParent;
  }
  return current;
}

function referencedColumns(prop: EntityProperty, target: EntityMetadata): string[] {
  if (prop.polymorphic) {
    const key = prop.targetKey && target.properties[prop.targetKey];
    return key ? key.fieldNames : primaryColumns(target);
  }
  return prop.referencedColumnNames ?? primaryColumns(target);
}

/** A property of a class that another class of the hierarchy speaks for: one that it inherits, or one that a table collects. */
function isInherited(
  metas: readonly EntityMetadata[],
  meta: EntityMetadata,
  { name, inherited }: EntityProperty,
): boolean {
  return (
    (inherited === true &&
      meta.root === meta &&
      metas.some((other) => isBelow(other, meta) && name in other.properties)) ||
    metas.some((other) => isBelow(meta, other) && name in other.properties && !other.properties[name]!.inherited)
  );
}

function isBelow(meta: EntityMetadata, other: EntityMetadata): boolean {
  return meta !== other && meta.root === other.root && other.class.isPrototypeOf(meta.class);
}

/** The rows of one class of a hierarchy: its own and those of the classes below it. @internal */
export function classConditions(meta: EntityMetadata, linked?: EntityMetadata): RowCondition[] {
  const { root } = meta;
  // The ORM has several copies of the metadata of a single-table hierarchy's root.
  if (meta.class === root.class) {
    return [];
  }
  if (root.inheritanceType === 'tpt') {
    return meta === linked ? [] : [{ subtable: meta }];
  }
  const column = root.discriminatorColumn && root.properties[root.discriminatorColumn as string]?.fieldNames[0];
  if (root.inheritanceType !== 'sti' || !column) {
    return [];
  }
  const values = Object.entries(root.discriminatorMap ?? {})
    .filter(([, cls]) => cls === meta.class || meta.class.isPrototypeOf(cls))
    .map(([value]) => value);
  return [{ column, values }];
}

/** Which rows of a single table have a relation of the class: another class may have one over the same columns, or none. */
function ownRows(meta: EntityMetadata): RowCondition[] {
  return meta.root.inheritanceType === 'sti' ? classConditions(meta) : [];
}

function whereConditions(entity: EntityMetadata, { where }: EntityProperty): RowCondition[] {
  const isEmpty = Utils.isEmpty(where) && !RawQueryFragment.hasObjectFragments(where);
  return where === undefined || isEmpty ? [] : [{ entity, where }];
}

function polymorphicCondition(prop: EntityProperty, target: EntityMetadata): ColumnCondition[] {
  // Only polymorphic relations have one, and with it a column (`initPolymorphicRelation` in `MetadataDiscovery.js`).
  if (!prop.discriminatorMap) {
    return [];
  }
  const values = Object.entries(prop.discriminatorMap)
    .filter(([, cls]) => cls === target.class)
    .map(([value]) => value);
  return [{ column: prop.discriminatorColumn!, values }];
}

function discriminatorValue({
  polymorphic,
  discriminatorColumn,
  discriminatorValue: value,
}: EntityProperty): ColumnCondition[] {
  return polymorphic && discriminatorColumn && value !== undefined
    ? [{ column: discriminatorColumn, values: [value] }]
    : [];
}

/** Two edges follow the same key if they lead from and to the same tables over the same columns. */
function identify({ parent, child, link, linkConditions }: GraphRelation): string {
  const columns = link.kind === 'pivot' ? [link.parentColumns, link.childColumns] : [link.columns];
  return JSON.stringify([link.kind, link.table._id, columns, parent.root._id, child.root._id, linkConditions]);
}

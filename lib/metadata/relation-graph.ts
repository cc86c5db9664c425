import {
  Cascade,
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  ReferenceKind,
} from '@mikro-orm/core';
import type { RelationPolicy } from '../options/soft-deletable-options.js';
import type { SoftDeleteCatalog } from './soft-delete-catalog.js';

/** Rows of a table that carry one of a few values in a column: a class of a single-table hierarchy, a polymorphic target. */
export interface ColumnCondition {
  readonly column: string;
  readonly values: readonly (string | number)[];
}

/** How the rows behind a relation are found in the database. Columns of both sides correspond by position. */
export type RelationLink =
  /** The row behind holds the key: one-to-many and inverse one-to-one. */
  | {
      readonly kind: 'child-key';
      /** The entity on whose table the key is: in a table-per-type hierarchy an ancestor of the entity behind, perhaps. */
      readonly table: EntityMetadata;
      readonly columns: readonly string[];
      readonly referenced: readonly string[];
      readonly nullable: boolean;
      readonly deleteRule: string | undefined;
      /** The owning property, on the entity behind. */
      readonly property: string;
    }
  /** The row itself holds the key: many-to-one and owning one-to-one. */
  | {
      readonly kind: 'parent-key';
      readonly table: EntityMetadata;
      readonly columns: readonly string[];
      readonly referenced: readonly string[];
    }
  /** A pivot table holds both keys: many-to-many. */
  | {
      readonly kind: 'pivot';
      readonly table: EntityMetadata;
      readonly parentColumns: readonly string[];
      readonly parentReferenced: readonly string[];
      readonly childColumns: readonly string[];
      readonly childReferenced: readonly string[];
    };

/**
 * One relation, seen from the row that is deleted.
 *
 * @internal
 */
export interface RelationEdge {
  /** `Entity.property`, of the side that declares the relation. */
  readonly name: string;
  /** The property on `parent`, if it has one. */
  readonly property: string | undefined;
  readonly parent: EntityMetadata;
  readonly child: EntityMetadata;
  readonly policy: RelationPolicy;
  readonly link: RelationLink;
  /** Which rows of the child's table are meant. */
  readonly childConditions: readonly ColumnCondition[];
  /** Which rows of the linking table are meant: the discriminator of a polymorphic relation. */
  readonly linkConditions: readonly ColumnCondition[];
}

/**
 * Every relation of the ORM's entities with what a deletion does to the rows behind it.
 *
 * @internal
 */
export class RelationGraph {
  readonly edges: readonly RelationEdge[];
  readonly #byParent = new Map<EntityMetadata, RelationEdge[]>();

  constructor(
    private readonly storage: MetadataStorage,
    private readonly catalog: SoftDeleteCatalog,
    private readonly defaultDeleteRule: string | undefined,
  ) {
    const edges = new Map<string, RelationEdge>();
    for (const meta of storage) {
      if (!isTable(meta)) {
        continue;
      }
      for (const prop of meta.relations) {
        for (const edge of this.#edgesOf(meta, prop)) {
          const key = identify(edge);
          const known = edges.get(key);
          if (!known || (known.property === undefined && edge.property !== undefined)) {
            edges.set(key, edge);
          }
        }
      }
    }
    this.edges = [...edges.values()];
    for (const edge of this.edges) {
      const root = edge.parent.root;
      this.#byParent.set(root, [...(this.#byParent.get(root) ?? []), edge]);
    }
  }

  /** The relations that start from any class of the entity's hierarchy. */
  from(meta: EntityMetadata): readonly RelationEdge[] {
    return this.#byParent.get(meta.root) ?? [];
  }

  #edgesOf(meta: EntityMetadata, prop: EntityProperty): RelationEdge[] {
    if (!prop.targetMeta || prop.persist === false || prop.embedded) {
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

  #toMany(meta: EntityMetadata, prop: EntityProperty): RelationEdge[] {
    const child = prop.targetMeta!;
    const owner: EntityProperty | undefined = child.properties[prop.mappedBy as string];
    if (!owner?.joinColumns) {
      return [];
    }
    return [
      {
        name: `${meta.className}.${prop.name}`,
        property: prop.name,
        parent: meta,
        child,
        policy: this.#policy(meta, prop, owner),
        link: this.#childKey(child, owner, meta),
        childConditions: this.#classCondition(child),
        linkConditions: polymorphicCondition(owner, meta),
      },
    ];
  }

  #toOne(meta: EntityMetadata, prop: EntityProperty): RelationEdge[] {
    const edges: RelationEdge[] = [];
    const targets = prop.polymorphic ? (prop.polymorphTargets ?? []) : [prop.targetMeta!];
    for (const target of targets) {
      edges.push({
        name: `${meta.className}.${prop.name}`,
        property: undefined,
        parent: target,
        child: meta,
        policy: this.#deleteRule(prop) === 'cascade' ? 'cascade' : 'keep',
        link: this.#childKey(meta, prop, target),
        childConditions: this.#classCondition(meta),
        linkConditions: polymorphicCondition(prop, target),
      });
      if (cascadesRemoval(prop)) {
        edges.push({
          name: `${meta.className}.${prop.name}`,
          property: prop.name,
          parent: meta,
          child: target,
          policy: 'cascade',
          link: {
            kind: 'parent-key',
            table: owningTable(meta, prop),
            columns: prop.joinColumns,
            referenced: referencedColumns(prop, target),
          },
          childConditions: [],
          linkConditions: polymorphicCondition(prop, target),
        });
      }
    }
    return edges;
  }

  #manyToMany(meta: EntityMetadata, prop: EntityProperty): RelationEdge[] {
    const pivot = this.storage.find(prop.pivotEntity as any);
    if (!pivot || prop.polymorphic) {
      return [];
    }
    const child = prop.targetMeta!;
    return [
      {
        name: `${meta.className}.${prop.name}`,
        property: prop.name,
        parent: meta,
        child,
        policy: this.#policy(meta, prop),
        link: {
          kind: 'pivot',
          table: pivot,
          parentColumns: prop.joinColumns,
          parentReferenced: primaryColumns(meta),
          childColumns: prop.inverseJoinColumns,
          childReferenced: primaryColumns(child),
        },
        childConditions: this.#classCondition(child),
        linkConditions: [],
      },
    ];
  }

  #childKey(child: EntityMetadata, prop: EntityProperty, target: EntityMetadata): RelationLink {
    return {
      kind: 'child-key',
      table: owningTable(child, prop),
      columns: prop.joinColumns,
      referenced: referencedColumns(prop, target),
      nullable: prop.nullable ?? false,
      deleteRule: this.#deleteRule(prop),
      property: prop.name,
    };
  }

  #policy(meta: EntityMetadata, prop: EntityProperty, owner?: EntityProperty): RelationPolicy {
    const declared = this.catalog.find(meta)?.relations[prop.name];
    if (declared) {
      return declared;
    }
    return cascadesRemoval(prop) || (owner && this.#deleteRule(owner) === 'cascade') ? 'cascade' : 'keep';
  }

  /** A key without a rule of its own gets the default of the schema generator. */
  #deleteRule(prop: EntityProperty): string | undefined {
    const rule = prop.createForeignKeyConstraint === false ? undefined : this.defaultDeleteRule;
    return (prop.deleteRule ?? rule)?.toLowerCase();
  }

  /** The rows of one class of a single-table hierarchy: its own and those of the classes below it. */
  #classCondition(meta: EntityMetadata): ColumnCondition[] {
    const { root } = meta;
    if (root.inheritanceType !== 'sti' || meta === root || !root.discriminatorColumn) {
      return [];
    }
    const values = Object.entries(root.discriminatorMap ?? {})
      .filter(([, cls]) => cls === meta.class || meta.class.isPrototypeOf(cls))
      .map(([value]) => value);
    const column = root.properties[root.discriminatorColumn as string]?.fieldNames[0];
    return column ? [{ column, values }] : [];
  }
}

/** Whether the entity has rows of its own in a table. */
function isTable(meta: EntityMetadata): boolean {
  return !meta.embeddable && !meta.virtual && !meta.view && !meta.pivotTable && Boolean(meta.tableName && meta.name);
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

/** In a table-per-type hierarchy a column lives on the table of the class that declares it. @internal */
export function owningTable(meta: EntityMetadata, prop: EntityProperty): EntityMetadata {
  let current = meta;
  while (current.tptParent && current.tptParent.properties[prop.name]) {
    current = current.tptParent;
  }
  return current;
}

function referencedColumns(prop: EntityProperty, target: EntityMetadata): string[] {
  return prop.polymorphic || !prop.referencedColumnNames ? primaryColumns(target) : prop.referencedColumnNames;
}

function polymorphicCondition(prop: EntityProperty, target: EntityMetadata): ColumnCondition[] {
  if (!prop.polymorphic || !prop.discriminatorMap || !prop.discriminatorColumn) {
    return [];
  }
  const values = Object.entries(prop.discriminatorMap)
    .filter(([, cls]) => cls === target.class)
    .map(([value]) => value);
  return [{ column: prop.discriminatorColumn, values }];
}

/** Two edges are the same relation if they follow the same key from and to the same tables, for the same rows. */
function identify({ parent, child, link, childConditions, linkConditions }: RelationEdge): string {
  const columns = link.kind === 'pivot' ? [link.parentColumns, link.childColumns] : [link.columns];
  return JSON.stringify([
    link.kind,
    link.table._id,
    columns,
    parent.root._id,
    child.root._id,
    childConditions,
    linkConditions,
  ]);
}

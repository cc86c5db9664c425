import type {
  KeyCompanion,
  KeyGraph,
  KeyReference,
  PurgeCondition,
  PurgeEntity,
  PurgeTable,
  UnreachableEntity,
} from './key-graph.js';

/** One step from a row to the rows that reference it. @internal */
export interface Hop {
  readonly reference: KeyReference;
  /** Sets of rows that the step leaves out: those that go as parts. */
  readonly except: readonly (readonly PurgeCondition[])[];
  /** Keys by which the rows of this step own further rows of their own table. */
  readonly within: readonly KeyReference[];
  /** The rows of the step before that share this row's owner go together with it, so they are left out. */
  readonly exceptSiblings: boolean;
}

/** Rows that reference a purgeable row, directly or through parts of it. @internal */
export interface ReferencePath {
  readonly hops: readonly Hop[];
  /** The soft-deletable entity at the end, if it is one. */
  readonly source: PurgeEntity | undefined;
  /**
   * Whether the database itself would refuse to remove the row, or would delete or change a soft-deletable row along with it, which
   * is noticed: then batches need not look first.
   */
  readonly isEnforced: boolean;
}

/** The entities of one place, in the order in which they are purged, and those that the purge leaves alone. @internal */
export interface PlannedEntities {
  readonly plans: readonly EntityPlan[];
  readonly unreachable: readonly UnreachableEntity[];
}

/** How the rows of one entity are purged. @internal */
export interface EntityPlan {
  readonly entity: PurgeEntity;
  /** A row that any of these finds stays. */
  readonly blockers: readonly ReferencePath[];
  /** What goes with the row, removed by the database or explicitly. */
  readonly attached: readonly ReferencePath[];
  /** Rows that are removed explicitly before the row, the outermost first. */
  readonly parts: readonly ReferencePath[];
  /** Rows that are removed explicitly after the row, unless something else needs them. */
  readonly companions: readonly { readonly companion: KeyCompanion; readonly plan: PartPlan }[];
  /** Tables with soft-deletable rows that the database itself would delete or change along with a row. */
  readonly endangered: readonly PurgeTable[];
  /** Those of them that a lock on the row itself does not protect. */
  readonly endangeredBehindParts: readonly PurgeTable[];
  /** Direct references from the entity to itself. */
  readonly selfReferences: readonly KeyReference[];
  readonly unindexed: readonly KeyReference[];
  /** Whether a batch takes more than one statement in any case. */
  readonly isComposed: boolean;
}

type PartPlan = Pick<EntityPlan, 'blockers' | 'parts'>;

/** What a run will do, in order. Entities of one group reference each other, or themselves, and are gone through repeatedly. @internal */
export interface PurgeOrder {
  readonly groups: readonly (readonly EntityPlan[])[];
}

/**
 * Decides in what order entities are purged and what each row has to be checked for. No I/O: what goes in can be written by hand
 * and what comes out can be printed.
 *
 * @internal
 */
export function planPurge(graph: KeyGraph): PurgeOrder {
  const plans = graph.entities.map((entity) => planEntity(graph, entity));
  return { groups: orderGroups(plans) };
}

function planEntity(graph: KeyGraph, entity: PurgeEntity): EntityPlan {
  const walk = new Walk(graph, entity);
  walk.follow(entity.table, []);
  const companions = graph.companions
    .filter(({ owner }) => entity.tables.includes(owner))
    .map((companion) => {
      const inner = new Walk(graph, undefined, companion.holder);
      inner.follow(companion.table, []);
      return { companion, plan: { blockers: inner.blockers, parts: inner.parts } };
    });
  const selfReferences = walk.blockers
    .filter(({ hops, source }) => hops.length === 1 && source === entity && hops[0]!.reference.from === entity.table)
    .map(({ hops }) => hops[0]!.reference);
  return {
    entity,
    blockers: walk.blockers,
    attached: walk.attached,
    parts: walk.parts,
    companions,
    endangered: [...walk.endangered],
    endangeredBehindParts: [...walk.endangeredBehindParts],
    selfReferences,
    unindexed: [...walk.unindexed],
    isComposed: walk.parts.length > 0 || companions.length > 0 || walk.hasOpaqueDanger,
  };
}

class Walk {
  readonly blockers: ReferencePath[] = [];
  readonly attached: ReferencePath[] = [];
  readonly parts: ReferencePath[] = [];
  readonly endangered = new Set<PurgeTable>();
  readonly endangeredBehindParts = new Set<PurgeTable>();
  readonly unindexed = new Set<KeyReference>();
  /** Whether a soft-deletable row could be deleted or changed without the counters of its table telling so. */
  hasOpaqueDanger = false;

  constructor(
    private readonly graph: KeyGraph,
    private readonly target: PurgeEntity | undefined,
    /** A pivot table whose rows hold on to the row instead of going with it. */
    private readonly holder?: PurgeTable,
  ) {}

  follow(table: PurgeTable, path: readonly Hop[]): void {
    for (const reference of this.graph.references) {
      if (reference.to === table) {
        this.#step(reference, path);
      }
    }
  }

  #step(reference: KeyReference, path: readonly Hop[]): void {
    const { from, to, action, isOff = false } = reference;
    if (!reference.isIndexed) {
      this.unindexed.add(reference);
    }
    const source = this.graph.entities.find(({ tables }) => tables.includes(from));
    const isOwn = from === to && path.length > 0;
    if (reference.isInheritance) {
      this.#part(reference, path, action !== 'cascade' || isOff);
    } else if (source || from === this.holder || this.graph.foreign?.includes(from)) {
      this.#block([...path, hop(reference)], source);
      if (from !== this.holder) {
        this.#endanger(reference, source, path.length > 0);
      }
    } else if (action === 'cascade') {
      if (!isOwn) {
        this.#part(reference, path, isOff);
      }
    } else if (reference.parts.some((conditions) => conditions.length === 0)) {
      if (!isOwn) {
        this.#part(reference, path, true);
      }
    } else {
      if (reference.parts.length > 0 && !isOwn) {
        this.#part(reference, path, true);
      }
      if (isOff || (action !== 'set null' && action !== 'set default')) {
        this.#block([...path, { ...hop(reference), except: reference.parts, exceptSiblings: isOwn }], undefined);
      }
    }
  }

  #part(reference: KeyReference, path: readonly Hop[], isExplicit: boolean): void {
    const { from } = reference;
    if (path.some((earlier) => earlier.reference.from === from)) {
      this.#block([...path, hop(reference)], undefined);
      return;
    }
    const within = this.graph.references.filter(
      (own) => own.from === from && own.to === from && (own.action === 'cascade' || own.parts.length > 0),
    );
    const hops = [...path, { ...hop(reference), within }];
    this.attached.push({ hops, source: undefined, isEnforced: false });
    this.follow(from, hops);
    if (isExplicit) {
      this.parts.push({ hops, source: undefined, isEnforced: false });
    }
  }

  #block(hops: readonly Hop[], source: PurgeEntity | undefined): void {
    const { action } = hops.at(-1)!.reference;
    const refuses = action === 'no action' || action === 'restrict' || source !== undefined;
    const isReached = hops.slice(0, -1).every(({ reference }) => reference.action === 'cascade');
    const isEnforced = refuses && isReached && hops.every(({ reference }) => reference.isEnforced);
    this.blockers.push({ hops, source, isEnforced });
  }

  #endanger(reference: KeyReference, source: PurgeEntity | undefined, isBehindPart: boolean): void {
    if (!['cascade', 'set null', 'set default'].includes(reference.action)) {
      return;
    }
    this.endangered.add(reference.from);
    if (isBehindPart) {
      this.endangeredBehindParts.add(reference.from);
    }
    const isOwnSubtable = source !== undefined && source === this.target && reference.from !== this.target?.table;
    this.hasOpaqueDanger ||= reference.from.isPartitioned || isOwnSubtable;
  }
}

function hop(reference: KeyReference): Hop {
  return { reference, except: [], within: [], exceptSiblings: false };
}

/** Children first. Entities that reference each other in a circle form one group. (Tarjan's strongly connected components.) */
function orderGroups(plans: readonly EntityPlan[]): EntityPlan[][] {
  const byEntity = new Map(plans.map((plan) => [plan.entity, plan]));
  const groups: EntityPlan[][] = [];
  const stack: EntityPlan[] = [];
  const order = new Map<EntityPlan, number>();
  const lowest = new Map<EntityPlan, number>();
  const visit = (plan: EntityPlan): void => {
    order.set(plan, order.size);
    lowest.set(plan, order.get(plan)!);
    stack.push(plan);
    for (const { source } of plan.blockers) {
      const child = source && byEntity.get(source);
      if (!child) {
        continue;
      }
      if (!order.has(child)) {
        visit(child);
        lowest.set(plan, Math.min(lowest.get(plan)!, lowest.get(child)!));
      } else if (stack.includes(child)) {
        lowest.set(plan, Math.min(lowest.get(plan)!, order.get(child)!));
      }
    }
    if (lowest.get(plan) === order.get(plan)) {
      groups.push(stack.splice(stack.indexOf(plan)).toReversed());
    }
  };
  for (const plan of plans) {
    if (!order.has(plan)) {
      visit(plan);
    }
  }
  return groups;
}

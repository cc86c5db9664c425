import {
  type ChangeSet,
  ChangeSetType,
  type EventArgs,
  type EventManager,
  type EventSubscriber,
  type FlushEventArgs,
  helper,
  type Transaction,
  type TransactionEventArgs,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { takeUnitTime, type UnitTime } from '../sql/take-unit-time.js';
import { requireContext } from '../installation/context-of.js';
import type { Installation } from '../installation/installation.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { metadataOf } from '../metadata/metadata-of.js';
import type { FlushAttendant } from '../orm/attend-flushes.js';
import { adoptOrphans } from './plan/adopt-orphans.js';
import { archivedRemovals, removeEarly } from './archive-removals.js';
import { cascadeToLoaded, takesOverValues } from './early-cascade.js';
import { createRemovals } from './plan/create-removals.js';
import type { FlushState } from './flush-state.js';
import { archiveEarly, finishRemovals } from './finish-removals.js';
import { planLateRemovals, turnDeletes } from './plan/late-removals.js';
import { lockRemovals } from './lock-removals.js';
import { isSettledByFlush, physicalRemovals } from './physical-removals.js';
import { leaveKnownValues } from '../memory/leave-known-values.js';
import { hasTransactions, noTransaction } from './no-transaction.js';
import { planRemoval } from './plan/plan-removal.js';
import { refusePhysicalCascade } from './refuse-physical-cascade.js';
import { forgetChangesOfDeleted } from '../memory/forget-changes-of-deleted.js';
import { repairReferences } from '../memory/repair-references.js';
import { undoRemovals } from './undo-removals.js';
import { isUnloadedReplacement } from './plan/unloaded-collections.js';
import { showTime, writeTime } from './write-time.js';

/**
 * Turns what a flush would remove into updates of the timestamp.
 *
 * The entities are taken off the unit of work's stacks before it computes its change sets, so that it neither deletes them nor
 * clears the foreign keys of their children, and come back as early updates: before the flush inserts anything, so that a unique
 * value can be used again at once. The ORM batches these updates, checks and bumps versions and fires the update hooks as
 * for any other change. What the deletion cascades to follows at the end of the flush, in `finishRemovals`.
 *
 * @internal
 */
export class SoftDeleteSubscriber implements EventSubscriber, FlushAttendant {
  readonly #flushes = new WeakMap<EntityManager, FlushState>();
  /** The managers with a flush under way. Held weakly: one whose flush fails before its transaction begins is never heard of again. */
  readonly #running = new Set<WeakRef<EntityManager>>();
  /** The event managers whose flushes are planned after all of their listeners. */
  readonly #attended = new WeakSet<EventManager>();
  readonly #byChangeSet = new WeakMap<ChangeSet<object>, FlushState>();

  constructor(private readonly installation: Installation) {}

  /** @returns whether the event manager was not attended before */
  attend(events: EventManager): boolean {
    const isNew = !this.#attended.has(events);
    this.#attended.add(events);
    return isNew;
  }

  async beforeFlush(args: FlushEventArgs): Promise<void> {
    if (!this.#attended.has(args.em.getEventManager())) {
      await this.planRemovals(args);
    }
  }

  async onFlush(args: FlushEventArgs): Promise<void> {
    if (!this.#attended.has(args.em.getEventManager())) {
      this.turnRemovals(args);
      await this.completePlan(args);
    }
  }

  /** Takes what is to be deleted softly off the stacks of the unit of work. */
  async planRemovals({ em, uow }: FlushEventArgs): Promise<void> {
    const { catalog } = this.installation;
    this.#forget(em as EntityManager);
    adoptOrphans(em as EntityManager, catalog);
    repairReferences(em as EntityManager, catalog);
    const removeStack = uow.getRemoveStack() as Set<object>;
    const orphanStack = uow.getOrphanRemoveStack() as Set<object>;
    if (removeStack.size === 0 && orphanStack.size === 0) {
      return;
    }
    const { soft, cascaded, gone, spared, hard, unborn } = planRemoval(removeStack, orphanStack, catalog);
    await forgetChangesOfDeleted(em as EntityManager, gone, catalog);
    for (const entity of [...unborn, ...[...hard].filter((each) => !catalog.findArchived(metadataOf(em, each)))]) {
      uow.remove(entity, undefined, { cascade: false });
    }
    for (const entity of [...soft.keys(), ...cascaded.keys(), ...spared, ...hard, ...unborn]) {
      removeStack.delete(entity);
      orphanStack.delete(entity);
    }
    if (soft.size === 0 && hard.size === 0) {
      return;
    }

    const removals = createRemovals(
      em,
      [...soft].filter(([entity]) => helper(entity).hasPrimaryKey()),
    );
    // Entities in process are passed over when the unit of work looks for changes: what else is unsaved stays unsaved.
    for (const { entity } of removals) {
      helper(entity).__processing = true;
    }
    hard.forEach((entity) => (helper(entity).__processing = true));
    this.#flushes.set(em as EntityManager, {
      em: em as EntityManager,
      removals,
      cascaded,
      hard,
      unloaded: new Set(),
      archived: [],
      context: {},
    });
  }

  /** Gives what was planned its change sets. */
  turnRemovals({ em, uow }: FlushEventArgs): void {
    const planned = this.#flushes.get(em as EntityManager);
    planned?.hard.forEach((entity) => uow.computeChangeSet(entity, ChangeSetType.DELETE));
    planned?.removals.forEach(({ entity }) => uow.computeChangeSet(entity, ChangeSetType.DELETE));
    turnDeletes(em as EntityManager, uow, planned?.removals ?? []);
  }

  /** Adds what listeners have asked to be deleted since, and refuses what cannot be done before anything is written. */
  async completePlan({ em, uow }: FlushEventArgs): Promise<void> {
    const { catalog } = this.installation;
    const planned = this.#flushes.get(em as EntityManager) ?? {
      em: em as EntityManager,
      removals: [],
      cascaded: new Map<object, SoftDeletableEntityMetadata>(),
      hard: new Set<object>(),
    };
    leaveKnownValues(uow, catalog);
    const archived = archivedRemovals(uow, catalog);
    removeEarly(uow, archived);
    const late = planLateRemovals(uow, catalog, planned.removals);
    const removals = [...planned.removals, ...late.removals];
    const physical = await physicalRemovals(em as EntityManager, uow, catalog);
    const isLater = await isSettledByFlush(em as EntityManager, uow, physical);
    if (!isLater) {
      await refusePhysicalCascade(em as EntityManager, em.getTransactionContext<Transaction>(), physical);
    }
    const unloaded = new Set(
      uow.getCollectionUpdates().filter((collection) => isUnloadedReplacement(collection, catalog)),
    );
    const deletes = unloaded.size > 0 || removals.length > 0 || archived.length > 0;
    if (!deletes && !isLater) {
      return;
    }
    const hasTransaction = em.isInTransaction() || (em.config.get('implicitTransactions') && hasTransactions(em));
    if (deletes && !hasTransaction) {
      throw noTransaction(em);
    }
    const cascaded = new Map([...planned.cascaded, ...late.cascaded]);
    removals.forEach(({ entity }) => cascaded.delete(entity));
    const context = deletes ? requireContext(this.installation, 'The deletion by a flush') : {};
    const plan = { ...planned, removals, cascaded, unloaded, archived, context, ...(isLater ? { physical } : {}) };
    const state: FlushState = { ...plan, ...(takesOverValues(uow, plan) ? { early: 'due' } : {}) };
    this.#flushes.set(state.em, state);
    this.#running.add(new WeakRef(state.em));
    turnDeletes(em as EntityManager, uow, removals);
    removals.forEach(({ changeSet }) => this.#byChangeSet.set(changeSet!, state));
  }

  beforeCreate({ em }: EventArgs<object>): Promise<void> | undefined {
    return this.#cascadeEarly(em as EntityManager);
  }

  /** All rows that the flush removes before it inserts anything go to the archive before the first of them is removed. */
  beforeDelete({ changeSet, em }: EventArgs<object>): Promise<void> | undefined {
    const state = this.#flushes.get(em as EntityManager);
    const isFirst = state?.archivedEarly === undefined && changeSet?.type === ChangeSetType.DELETE_EARLY;
    return isFirst && state?.archived.includes(changeSet) ? this.#archiveEarly(state) : undefined;
  }

  async #archiveEarly(state: FlushState): Promise<void> {
    const ctx = state.em.getTransactionContext<Transaction>()!;
    state.archivedEarly = await archiveEarly(this.installation, state, ctx, () => this.#takeUnit(state, ctx));
  }

  beforeUpdate(args: EventArgs<object>): Promise<void> | undefined {
    const { changeSet, em } = args;
    const cascaded = changeSet?.type === ChangeSetType.UPDATE ? this.#cascadeEarly(em as EntityManager) : undefined;
    return this.#attended.has(em.getEventManager()) ? cascaded : this.#updateUnattended(args, cascaded);
  }

  async #updateUnattended(args: EventArgs<object>, cascaded: Promise<void> | undefined): Promise<void> {
    await cascaded;
    await this.prepareUpdate(args);
    this.completeUpdate(args);
  }

  /** Takes the time of the unit and locks its rows before the first of them is updated. */
  prepareUpdate({ changeSet, em }: EventArgs<object>): Promise<void> | undefined {
    const state = changeSet && this.#byChangeSet.get(changeSet);
    return state && !state.unit ? this.#beginUnit(state, em.getTransactionContext<Transaction>()) : undefined;
  }

  async #beginUnit(state: FlushState, ctx: Transaction | undefined): Promise<void> {
    await this.#takeUnit(state, ctx);
    await showTime(state, ctx!);
    await lockRemovals(state, ctx!);
  }

  /** Once every listener has seen an update, gives it what it is to write. */
  completeUpdate({ changeSet, em }: EventArgs<object>): void {
    const state = changeSet && this.#byChangeSet.get(changeSet);
    if (state) {
      writeTime(em as EntityManager, this.installation.catalog.get(changeSet.meta), state.unit!, changeSet);
    }
  }

  afterFlush({ em }: FlushEventArgs): void {
    this.#flushes.delete(em as EntityManager);
    this.#stopped(em as EntityManager);
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    this.installation.transactions.starting(em as EntityManager, transaction);
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    this.installation.transactions.started(em as EntityManager, transaction!);
  }

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    this.installation.transactions.committed(transaction!);
  }

  afterTransactionRollback({ em, transaction }: TransactionEventArgs): void {
    this.installation.transactions.rolledBack(transaction!);
    // A listener of the flush may have asked for a preview, or for what was refused: the flush goes on.
    if (!this.installation.transactions.isClaimed(transaction!)) {
      this.#forget(em as EntityManager);
    }
  }

  /** The flush whose statements run in a transaction, if it has anything to delete. */
  current(ctx: Transaction | undefined, loggerContextId: unknown): FlushState | undefined {
    for (const reference of this.#running) {
      const em = reference.deref();
      if (!em) {
        this.#running.delete(reference);
      } else if (ctx ? em.getTransactionContext() === ctx : em.id === loggerContextId) {
        return this.#flushes.get(em);
      }
    }
    return undefined;
  }

  /** Called by the driver after all inserts and updates of a flush. */
  finish(state: FlushState, ctx: Transaction | undefined): Promise<void> {
    return finishRemovals(this.installation, state, ctx!, () => this.#takeUnit(state, ctx));
  }

  /** All early updates have run by the time of the first insert or ordinary update. */
  #cascadeEarly(em: EntityManager): Promise<void> | undefined {
    const state = this.#flushes.get(em);
    return state?.early === 'due' && state.unit ? this.#cascade(state) : undefined;
  }

  async #cascade(state: FlushState): Promise<void> {
    state.early = await cascadeToLoaded(state, state.em.getTransactionContext()!, this.installation.catalog);
  }

  async #takeUnit(state: FlushState, ctx: Transaction | undefined): Promise<UnitTime> {
    if (!state.unit) {
      if (!ctx) {
        throw noTransaction(state.em);
      }
      state.unit = await takeUnitTime(state.em, ctx, this.installation.transactions, state.context.actor);
      this.installation.transactions.undoOnRollback(ctx, undoRemovals(state));
    }
    return state.unit;
  }

  /** A flush that failed leaves its entities marked as in process, and they would be passed over for ever. */
  #forget(em: EntityManager): void {
    const state = this.#flushes.get(em);
    for (const entity of [...(state?.removals ?? []).map((removal) => removal.entity), ...(state?.hard ?? [])]) {
      helper(entity).__processing = false;
    }
    this.#flushes.delete(em);
    this.#stopped(em);
  }

  #stopped(em: EntityManager): void {
    const over = [...this.#running].filter((reference) => [undefined, em].includes(reference.deref()));
    over.forEach((reference) => this.#running.delete(reference));
  }
}

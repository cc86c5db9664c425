import { performance } from 'node:perf_hooks';
import type { Platform } from '@mikro-orm/core';
import { entityKeyOf } from '../../sql/entity-key.js';
import { MOST_KEYS } from '../../events/most-keys.js';
import { sqlState } from '../connection/classify-failure.js';
import type { GoneKeys } from '../fragments/gone-rows-sql.js';
import type { Cutoff } from '../plan/due-times.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import type { PurgeHook } from '../purge-hook.js';
import type { PurgeBlock, PurgeBrake, PurgeEntityReport, PurgeFailure } from '../purge-report.js';
import type { DueRows } from '../fragments/row-sql.js';
import type { TracedEntity } from '../telemetry/run-telemetry.js';
import { OptimisticBatches } from '../batch/optimistic-batches.js';

const REPORTED_FAILURES = 100;

/** What was counted of the due rows that are left. */
interface CountedRows {
  readonly blocked: number;
  readonly blockedBy: readonly PurgeBlock[];
  /** How many neither are blocked nor have failed. */
  readonly open: number;
}

/** What one run has done with the rows of one entity so far. @internal */
export class EntityRun {
  readonly rows: DueRows;
  purged = 0;
  batches = 0;
  durationMs = 0;
  /** Due rows that the current pass has left where they are. */
  passedOver = 0;
  /** Whether a batch as a range has turned out not to be safe, so that rows are locked before they are checked. */
  locksFirst = false;
  readonly optimistic = new OptimisticBatches();
  /** The keys of due rows that legal holds cover. They are among the failures, so that nothing tries them. */
  readonly held = new Set<string>();
  /** Set if its rows are left alone. */
  braked: PurgeBrake | undefined;
  /** What is done around all work on its rows. */
  around: <Result>(work: () => Promise<Result>) => Promise<Result> = (work) => work();
  blocked = 0;
  blockedBy: readonly PurgeBlock[] = [];
  /** By key: all keys, so that they are not tried again, but only some of the details. */
  readonly failures = new Map<string, PurgeFailure | undefined>();
  /** The keys of the rows that the last transaction has removed, whether or not it has committed. */
  #going: NonNullable<GoneKeys> = [];
  /** The keys of those that went since `takeKeys()`. */
  #gone: (readonly string[])[] = [];
  /** Due rows that the current pass has found locked by somebody else. */
  #metLocked = 0;
  /** How many rows nothing stood in the way of when all that was left was last counted, and how many had been dealt with by then. */
  #open: { readonly rows: number; readonly dealtWith: number; readonly areTried: boolean } | undefined;

  constructor(
    readonly plan: EntityPlan,
    readonly cutoff: Cutoff,
    readonly hooks: readonly PurgeHook[],
    private readonly platform: Platform,
    told: Pick<DueRows, 'record' | 'isObserved'> = { isObserved: false },
  ) {
    this.rows = {
      plan,
      cutoff: cutoff.text,
      quote: (value) => platform.quoteValue(value),
      ...told,
    };
  }

  /** Notes which rows a batch has removed, before it commits. */
  going(keys: GoneKeys): void {
    this.#going = keys ?? [];
  }

  /** How its report names it. */
  get traced(): TracedEntity {
    return { entity: this.name, table: this.plan.entity.table.label };
  }

  /** Counts what the last transaction has removed, once it has committed. */
  went(count: number): void {
    this.purged += count;
    this.#gone.push(...this.#going);
    this.#going = [];
  }

  /** The keys of the rows that went since the last call, where an event may name that many. */
  takeKeys(count: number): readonly (readonly string[])[] | undefined {
    const keys = this.#gone;
    this.#gone = [];
    return count <= MOST_KEYS && keys.length === count ? keys : undefined;
  }

  get table(): string {
    return this.plan.entity.table.name;
  }

  get name(): string {
    return this.plan.entity.name;
  }

  /** Whether a batch takes several statements. */
  get isComposed(): boolean {
    return this.locksFirst || this.plan.isComposed || this.hooks.length > 0;
  }

  /** A pass over its due rows begins. */
  startPass(): void {
    this.passedOver = 0;
    this.#metLocked = 0;
  }

  /** Due rows were passed over because somebody else has locked them. */
  metLocked(count: number): void {
    this.#metLocked += count;
  }

  /**
   * All that is left of its due rows was counted.
   *
   * @param areTried - whether those that are open have been tried, so that somebody else must have locked them
   */
  counted({ blocked, blockedBy, open }: CountedRows, areTried: boolean): void {
    this.blocked = blocked;
    this.blockedBy = blockedBy;
    this.#open = { rows: open, dealtWith: this.#dealtWith, areTried };
  }

  /** How many due rows somebody else has locked, as far as is known; once all that is left was counted, with those that wait for them. */
  get locked(): number {
    return this.#open?.areTried
      ? Math.max(0, this.#open.rows - (this.#dealtWith - this.#open.dealtWith))
      : this.#metLocked;
  }

  get #dealtWith(): number {
    return this.purged + this.failures.size;
  }

  /** The run ends early: what is left is counted as far as it was looked at. */
  stopped(): void {
    if (!this.#open) {
      this.blocked = Math.max(0, this.passedOver - this.failures.size - this.#metLocked);
    }
  }

  fail(key: string, error: unknown): void {
    const isDetailed = this.failures.size < REPORTED_FAILURES;
    this.failures.set(key, isDetailed ? describeFailure(this.platform, this.plan, key, error) : undefined);
  }

  /** From now on its rows go one by one, by their keys. */
  hold(keys: readonly string[]): void {
    for (const key of keys) {
      this.failures.set(key, undefined);
      this.held.add(key);
    }
    this.locksFirst ||= keys.length > 0;
  }

  /** A hold was released. */
  letGo(): void {
    this.held.forEach((key) => this.failures.delete(key));
    this.held.clear();
  }

  async timed<Result>(work: () => Promise<Result>): Promise<Result> {
    const start = performance.now();
    try {
      return await this.around(work);
    } finally {
      this.durationMs += performance.now() - start;
    }
  }

  report(): PurgeEntityReport {
    return {
      ...this.traced,
      cutoff: this.cutoff.date,
      purged: this.purged,
      blocked: this.blocked,
      failed: this.failures.size - this.held.size,
      held: this.held.size,
      locked: this.locked,
      batches: this.batches,
      durationMs: Math.round(this.durationMs),
      blockedBy: this.blockedBy,
      ...(this.braked ? { braked: this.braked } : {}),
      failures: [...this.failures.values()].filter((failure) => failure !== undefined),
    };
  }
}

function describeFailure(platform: Platform, { entity }: EntityPlan, key: string, error: unknown): PurgeFailure {
  const values = (JSON.parse(key) as string[]).map((text, i) => driverValue(text, entity.table.key[i]!.type));
  const code = sqlState(error);
  const { constraint } = error as { constraint?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  return {
    key: entityKeyOf(platform, entity.meta.root, values),
    message: message.slice(0, 500),
    ...(code !== undefined && code.length === 5 ? { sqlState: code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
  };
}

/** A value of a key as the driver returns it. */
function driverValue(text: string, type: string): unknown {
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'real':
    case 'double precision':
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'bytea':
      return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : text;
    default:
      return text;
  }
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { ALL_KINDS, type Kind, KINDS, SOFT_KINDS, STATES } from './kinds.js';
import type { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { CLASSES, Manager, outcomeOf } from './manager.js';
import { Model } from './model.js';
import { lives } from './neighbours.js';
import type { ModelOrm } from './orms.js';
import { HOME_TENANT, newRow, type Outcome, type Row } from './row.js';
import { FIRST_KEY, firstValues, Rows, SNAPSHOT_SQL } from './rows.js';
import { type Graph, OTHER_TENANT } from './step.js';
import { TYPED } from './typed.js';

/** A step that a sequence of transactions cannot go on after: its transaction is rolled back. */
export class Aborted extends Error {}

/** The database, the managers that work on it, and the model of both. */
export class World {
  readonly model = new Model();
  readonly rows = new Rows();
  readonly managers: Manager[];
  /** How many transactions are open, and in which of them something else than deletions and restorations happened. */
  readonly transactions: { manager: Manager; mixed: boolean }[] = [];
  /** One that knows no parameter of the application's filter. */
  readonly repositoryWithoutTenant: (kind: Kind) => SoftDeleteRepository<any>;
  private readonly query: (sql: string) => Promise<any[]>;
  #handles = 0;

  private constructor({ orm, database, late }: ModelOrm) {
    late.world = this;
    this.repositoryWithoutTenant = (kind) => orm.em.fork().getRepository<any>(CLASSES[kind]) as never;
    this.query = (sql) => database.query(sql);
    this.managers = [0, 1, 2].map(() => new Manager(this.#fork(orm.em), this.model, this.rows));
  }

  #fork(em: EntityManager): EntityManager {
    const fork = em.fork({ flushMode: 'commit' as never, useContext: true });
    if (lives('tenants')) {
      fork.setFilterParams('tenant', { tenant: HOME_TENANT });
    }
    return fork;
  }

  /** Starts over with the first rows, which are inserted behind the managers' backs. */
  static async create(orm: ModelOrm, graph: Graph): Promise<World> {
    const world = new World(orm);
    const tables = ['doc_tags', ...ALL_KINDS];
    await world.#replicate(tables.map((table) => `delete from ${table};`));
    await world.#start(graph);
    return world;
  }

  /** Without foreign keys: in any order, and fast. */
  async #replicate(statements: readonly string[]): Promise<void> {
    await this.query(
      `set session_replication_role = replica; ${statements.join(' ')} set session_replication_role = origin`,
    );
  }

  nextHandle(): number {
    return ++this.#handles;
  }

  async #start(graph: Graph): Promise<void> {
    const { model } = this;
    const pick = (kind: Kind, n: number, orNull: boolean, tenant: number): number | null => {
      // What belongs to a tenant points at rows of its own or of the first one, as far as they are there.
      const rows = model.every(kind).filter((row) => row.tenant === HOME_TENANT || row.tenant === tenant);
      return rows.length === 0 || (orNull && n % 4 === 0) ? null : rows[n % rows.length]!.handle;
    };
    for (const kind of ALL_KINDS.toSorted((a, b) => Number(a === 'member') - Number(b === 'member'))) {
      for (const n of graph[kind]) {
        const tenant = n >= OTHER_TENANT && kind !== 'cover' && lives('tenants') ? HOME_TENANT + 1 : HOME_TENANT;
        const refs = Object.fromEntries(
          Object.entries(KINDS[kind].refs).map(([property, spec]) => [
            property,
            pick(spec.to, n, spec.nullable, tenant),
          ]),
        );
        const missing = Object.entries(KINDS[kind].refs).some(
          ([property, spec]) => !spec.nullable && refs[property] === null,
        );
        const taken = kind === 'cover' && model.every('cover').some((cover) => cover.refs['doc'] === refs['doc']);
        if (!missing && !taken) {
          const handle = this.nextHandle();
          model.rows.set(
            handle,
            newRow(kind, handle, refs, {
              tenant,
              typed: firstValues(kind, handle),
              ...(kind === 'folder' ? { slug: `start${handle}` } : {}),
              ...(kind === 'entry' ? { state: STATES[n % 3]! } : {}),
            }),
          );
        }
      }
    }
    for (const n of graph.link) {
      const [docs, tags] = [model.of('doc'), model.of('tag')];
      if (docs.length > 0 && tags.length > 0) {
        model.links.add(`${docs[n % docs.length]!.handle}:${tags[(n >> 1) % tags.length]!.handle}`);
      }
    }
    await this.#replicate(this.#inserts());
    await this.compare();
  }

  #inserts(): string[] {
    const statements: string[] = [];
    const key = (handle: number | null | undefined) => (handle == null ? 'null' : String(FIRST_KEY + handle));
    for (const row of this.model.rows.values()) {
      const columns: Record<string, string> = {
        id: key(row.handle),
        handle: String(row.handle),
        name: `'${row.name}'`,
        tenant: String(row.tenant),
        ...Object.fromEntries(Object.entries(row.refs).map(([property, handle]) => [`${property}_id`, key(handle)])),
        ...(row.slug ? { slug: `'${row.slug}'` } : {}),
        ...(row.state ? { state: `'${row.state}'` } : {}),
      };
      for (const [property, n] of Object.entries(row.typed)) {
        Object.assign(columns, n === null ? {} : TYPED[property]!.literals(n));
      }
      statements.push(
        `insert into ${row.kind} (${Object.keys(columns).join(', ')}) values (${Object.values(columns).join(', ')});`,
      );
    }
    for (const link of this.model.links) {
      const [doc, tag] = link.split(':').map(Number);
      statements.push(`insert into doc_tags (doc_id, tag_id) values (${key(doc)}, ${key(tag)});`);
    }
    return statements;
  }

  /** Reads all rows, through the open transaction if there is one, and compares them with the model. */
  async compare(m?: Manager): Promise<void> {
    const ctx = m?.em.getTransactionContext();
    const [row] = ctx
      ? await m!.em.getConnection('write').execute<any[]>(SNAPSHOT_SQL, [], 'all', ctx)
      : await this.query(SNAPSHOT_SQL);
    this.managers.forEach((each) => each.expectRewrites());
    this.rows.compare(this.model, row!.s);
  }

  /** Whether the rows are what the model has now. If not, nothing has been learned from them. */
  async matches(m: Manager): Promise<boolean> {
    const learned = this.rows.learned();
    try {
      await this.compare(m);
      return true;
    } catch {
      this.rows.forget(learned);
      return false;
    }
  }

  /**
   * Runs an operation that writes, with its effect on the model, and compares. An outcome that the model does not allow is
   * a failure; after an error nothing may have changed.
   *
   * @param inMemory - the outcomes after which the manager's memory must be right without clearing it
   * @param aborts - whether an error leaves the surrounding transaction unusable
   */
  async write(
    m: Manager,
    predict: () => ReadonlySet<Outcome> | Outcome,
    run: () => Promise<unknown>,
    inMemory: ReadonlySet<Outcome> = new Set<Outcome>(['ok', 'restricted', 'conflict']),
    aborts = false,
  ): Promise<Outcome> {
    const before = this.model.snapshot();
    const versions = new Map(this.rows.versions);
    const predicted = predict();
    const allowed = typeof predicted === 'string' ? new Set([predicted]) : predicted;
    let actual: Outcome = 'ok';
    let cause: unknown;
    try {
      await run();
    } catch (error) {
      const outcome = outcomeOf(error);
      if (!outcome) {
        throw error;
      }
      actual = outcome;
      cause = error;
    }
    if (!allowed.has(actual)) {
      throw new Error(`the outcome is ${actual}, the model allows ${[...allowed]}`, { cause });
    }
    if (actual !== 'ok') {
      this.model.reset(before);
    }
    if (!inMemory.has(actual)) {
      m.clear();
    }
    if (aborts && actual !== 'ok' && this.transactions.length > 0) {
      throw new Aborted(actual);
    }
    m.flushed();
    await this.compare(m);
    if (actual === 'ok') {
      this.#tellOthers(m, before.rows, versions);
    }
    m.checkMemory();
    return actual;
  }

  #tellOthers(m: Manager, before: ReadonlyMap<number, Row>, versions: ReadonlyMap<number, number>): void {
    const state = (row: Row | undefined) => JSON.stringify(row && { ...row, bumped: false });
    const changed = [...new Set([...before.keys(), ...this.model.rows.keys()])].filter(
      (handle) =>
        state(before.get(handle)) !== state(this.model.rows.get(handle)) ||
        versions.get(handle) !== this.rows.versions.get(handle),
    );
    for (const other of this.managers) {
      if (other !== m) {
        other.foreign = true;
        other.collections.clear();
        changed.forEach((handle) => other.stale.add(handle));
      }
    }
  }

  async flush(m: Manager): Promise<void> {
    const { pending } = m;
    const mixed = pending.creates.size + pending.sets.size + pending.links.size > 0 || m.replacedUnloaded;
    if (mixed && this.transactions.length > 0) {
      this.transactions.at(-1)!.mixed = true;
    }
    await this.write(
      m,
      () => {
        // What stands loaded behind a removed row is checked for its version too.
        const conflict = m.foreign && pending.removes.size > 0 ? (['optimistic'] as const) : [];
        return new Set<Outcome>([...this.model.flush(pending, m.staleVersions()), ...conflict]);
      },
      () => m.em.flush(),
      new Set<Outcome>(mixed ? ['ok'] : ['ok', 'restricted']),
      true,
    );
  }

  /** Other managers' removals reach what they have loaded: they are flushed before something else changes below them. */
  async settleOthers(m: Manager): Promise<void> {
    for (const other of this.managers) {
      if (other !== m && other.pending.removes.size > 0) {
        await this.flush(other);
      }
    }
  }

  async settle(m: Manager): Promise<void> {
    if (m.dirty) {
      await this.settleOthers(m);
      await this.flush(m);
    }
  }

  /** A manager that knows what the others have done. */
  async refresh(m: Manager): Promise<void> {
    if (m.foreign) {
      await this.settle(m);
      m.clear();
    }
  }

  candidates(kind: Kind | undefined, deletedToo: boolean, m?: Manager): Row[] {
    const kinds = kind ? [kind] : SOFT_KINDS;
    const rows = kinds.flatMap((each) => this.model.of(each, deletedToo ? 'with' : 'active'));
    const created = [...(m?.pending.creates.values() ?? [])].filter((row) => kinds.includes(row.kind));
    return [...rows, ...created];
  }

  /** What the pending removals of a manager will take along, as far as the rows say. */
  doomed(m: Manager, more: readonly number[] = []): Set<number> {
    const before = this.model.snapshot();
    this.model.flush({ ...m.pending, removes: new Set() }, new Set());
    const start = [...m.pending.removes, ...more].filter((handle) => this.model.rows.has(handle));
    const reached = this.model.closure(start, (child) => child.unit === null, false);
    this.model.reset(before);
    return reached;
  }
}

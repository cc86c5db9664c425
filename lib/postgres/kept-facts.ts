import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { CatalogChangedError } from '../errors/catalog-changed.error.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/** What work returns that has found the facts to be out of date, and has changed nothing. @internal */
export const STALE = Symbol('stale');

/** How often facts are read again for one piece of work. */
const ATTEMPTS = 3;

/** For how many schemas an ORM keeps facts: some are about the whole database. */
const SCHEMAS = 20;

/** A schema, table, column or operator that the database does not know, or does not know any more. */
const UNKNOWN_NAMES: readonly unknown[] = ['3F000', '42P01', '42703', '42883', '42704'];

/** Whether a statement names what the database does not know: something has another name since facts were read, perhaps. @internal */
export function isUnknownName(error: unknown): boolean {
  return UNKNOWN_NAMES.includes((error as { code?: unknown }).code);
}

/**
 * Facts about the database that are kept for each ORM, and for each schema that its entity managers work in. They may have changed
 * since they were read: so every statement that relies on them asks along whether they still hold, and changes nothing if they do not.
 *
 * @internal
 */
export class KeptFacts<Facts> {
  readonly #known = new WeakMap<SoftDeleteCatalog, Map<string, Promise<Facts>>>();

  constructor(private readonly read: (em: EntityManager, ctx: Transaction | undefined) => Promise<Facts>) {}

  /** The facts as they were last read. */
  get(em: EntityManager, ctx: Transaction | undefined): Promise<Facts> {
    const bySchema = this.#of(em);
    const schema = em.schema ?? '';
    let facts = bySchema.get(schema);
    if (!facts) {
      facts = this.read(em, ctx);
      bySchema.set(schema, facts);
      facts.catch(() => bySchema.delete(schema));
      [...bySchema.keys()].slice(0, -SCHEMAS).forEach((oldest) => bySchema.delete(oldest));
    }
    return facts;
  }

  /**
   * Does work that relies on the facts. Where it finds that they have changed, by a migration for instance, they are read again, and it
   * is done again.
   *
   * @throws CatalogChangedError if they keep changing
   */
  async use<Result>(
    em: EntityManager,
    ctx: Transaction | undefined,
    work: (facts: Facts) => Promise<Result | typeof STALE>,
  ): Promise<Result> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      let result: Result | typeof STALE = STALE;
      try {
        result = await work(await this.get(em, ctx));
      } catch (error) {
        if (isUnknownName(error)) {
          this.#of(em).delete(em.schema ?? '');
        }
        throw error;
      }
      if (result !== STALE) {
        return result;
      }
      this.#of(em).delete(em.schema ?? '');
    }
    throw new CatalogChangedError();
  }

  #of(em: EntityManager): Map<string, Promise<Facts>> {
    const catalog = SoftDeleteCatalog.of(em);
    const bySchema = this.#known.get(catalog) ?? new Map<string, Promise<Facts>>();
    this.#known.set(catalog, bySchema);
    return bySchema;
  }
}

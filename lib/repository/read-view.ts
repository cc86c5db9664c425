import type { EntityManager, EntityRepository } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { scopeFilters, scopeWhere } from '../metadata/scope-options.js';
import { ScopedQueryBuilder } from '../orm/scoped-query-builder.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import { getInstallation } from '../installation/installation.js';

/**
 * A repository's reading API under one scope, typed like the repository's own.
 *
 * @publicApi
 */
export type SoftDeleteReadView<Entity extends object> = Pick<
  EntityRepository<Entity>,
  | 'find'
  | 'findOne'
  | 'findOneOrFail'
  | 'findAll'
  | 'findAndCount'
  | 'findByCursor'
  | 'count'
  | 'countBy'
  | 'stream'
  | 'populate'
  | 'createQueryBuilder'
  | 'qb'
>;

type Options = Record<string, unknown>;

/** @internal */
export class ScopedReads {
  /** Nothing where deleted rows are archived, of which this view shows none. */
  readonly #property: string | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly entityName: AnyEntityName,
    private readonly deletedScope: DeletedScope,
  ) {
    this.#property = getInstallation(em).catalog.find(entityName)?.property;
  }

  find(where: unknown, options?: Options) {
    return this.#run((em) => em.find(this.entityName, this.#where(where), this.#options(options)));
  }

  findOne(where: unknown, options?: Options) {
    return this.#run((em) => em.findOne(this.entityName, this.#where(where), this.#options(options)));
  }

  findOneOrFail(where: unknown, options?: Options) {
    return this.#run((em) => em.findOneOrFail(this.entityName, this.#where(where), this.#options(options)));
  }

  findAll(options?: Options) {
    return this.find(options?.['where'], options);
  }

  findAndCount(where: unknown, options?: Options) {
    return this.#run((em) => em.findAndCount(this.entityName, this.#where(where), this.#options(options)));
  }

  findByCursor(options: Options) {
    return this.#run((em) => em.findByCursor(this.entityName, this.#withWhere(options)));
  }

  count(where?: unknown, options?: Options) {
    return this.#run((em) => em.count(this.entityName, this.#where(where), this.#options(options)));
  }

  countBy(groupBy: unknown, options?: Options) {
    return this.#run((em) => em.countBy(this.entityName, groupBy as never, this.#withWhere(options)));
  }

  async *stream(options?: Options) {
    const { scope } = getInstallation(this.em);
    const rows = this.em.stream(this.entityName, this.#withWhere(options));
    try {
      for (;;) {
        const { done, value } = await scope.run(this.deletedScope, () => rows.next());
        if (done) {
          return;
        }
        yield value;
      }
    } finally {
      // Reached by a consumer that breaks off too: the cursor is open until the generator behind it ends.
      await rows.return?.(undefined as never);
    }
  }

  populate(entities: unknown, populate: unknown, options?: Options): Promise<unknown> {
    return this.#run((em) => em.populate<object>(entities as object, populate as never, this.#options(options)));
  }

  createQueryBuilder(alias?: string) {
    return ScopedQueryBuilder.adopt(
      this.em.createQueryBuilder<object, string>(this.entityName, alias),
      this.deletedScope,
      this.deletedScope,
    );
  }

  qb(alias?: string) {
    return this.createQueryBuilder(alias);
  }

  #run<Result>(read: (em: EntityManager) => Result): Result {
    return getInstallation(this.em).scope.run(this.deletedScope, () => read(this.em));
  }

  #where(where: unknown): never {
    const condition =
      this.#property === undefined ? (where ?? {}) : scopeWhere(this.deletedScope, this.#property, where as never);
    return condition as never;
  }

  #options(options: Options = {}): never {
    const filters = scopeFilters(this.deletedScope, options['filters'] as never);
    return (filters === undefined ? options : { ...options, filters }) as never;
  }

  #withWhere(options: Options = {}): never {
    return { ...(this.#options(options) as object), where: this.#where(options['where']) } as never;
  }
}

import type { EntityName } from '@mikro-orm/core';
import type { EntityManager, EntityRepository } from '@mikro-orm/postgresql';
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

type Options = Record<string, any>;

/** @internal */
export class ScopedReads {
  readonly #property: string;

  constructor(
    private readonly em: EntityManager,
    private readonly entityName: EntityName<any>,
    private readonly deletedScope: DeletedScope,
  ) {
    this.#property = getInstallation(em).catalog.get(entityName).property;
  }

  find(where: any, options?: Options) {
    return this.#run((em) => em.find(this.entityName, this.#where(where), this.#options(options)));
  }

  findOne(where: any, options?: Options) {
    return this.#run((em) => em.findOne(this.entityName, this.#where(where), this.#options(options)));
  }

  findOneOrFail(where: any, options?: Options) {
    return this.#run((em) => em.findOneOrFail(this.entityName, this.#where(where), this.#options(options)));
  }

  findAll(options?: Options) {
    return this.find(options?.['where'], options);
  }

  findAndCount(where: any, options?: Options) {
    return this.#run((em) => em.findAndCount(this.entityName, this.#where(where), this.#options(options)));
  }

  findByCursor(options: Options) {
    return this.#run((em) => em.findByCursor(this.entityName, this.#withWhere(options) as any));
  }

  count(where?: any, options?: Options) {
    return this.#run((em) => em.count(this.entityName, this.#where(where), this.#options(options)));
  }

  countBy(groupBy: any, options?: Options) {
    return this.#run((em) => em.countBy(this.entityName, groupBy, this.#withWhere(options)));
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

  populate(entities: any, populate: any, options?: Options) {
    return this.#run((em) => em.populate(entities, populate, this.#options(options)));
  }

  createQueryBuilder(alias?: string) {
    return ScopedQueryBuilder.adopt(
      this.em.createQueryBuilder<any, any>(this.entityName, alias),
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

  #where(where: any): any {
    return scopeWhere(this.deletedScope, this.#property, where);
  }

  #options(options: Options = {}): any {
    const filters = scopeFilters(this.deletedScope, options['filters']);
    return filters === undefined ? options : { ...options, filters };
  }

  #withWhere(options: Options = {}): any {
    return { ...this.#options(options), where: this.#where(options['where']) };
  }
}

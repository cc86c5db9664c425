import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { countSnapshots, readSnapshots, type SnapshotReadOptions } from '../archive/reading/read-snapshots.js';
import { resolveTarget } from '../deletion/deletion-target.js';
import { ArchivedScopeError } from '../errors/archived-scope.error.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';

const OPTIONS = ['orderBy', 'limit', 'offset', 'filters'];

/**
 * A repository's reading API over archived rows, as far as they can be read: they are in no table that relations or a query builder could
 * lead to.
 *
 * @internal
 */
export class ArchivedReads {
  constructor(
    private readonly em: EntityManager,
    private readonly entityName: AnyEntityName,
  ) {}

  async find(where: unknown, options: SnapshotReadOptions = {}): Promise<object[]> {
    return readSnapshots(this.#em, this.#meta, this.#where(where), this.#options('find', options));
  }

  async findOne(where: unknown, options: SnapshotReadOptions = {}): Promise<object | null> {
    const [found] = await this.find(where, { ...options, limit: 1 });
    return found ?? null;
  }

  async findOneOrFail(where: unknown, options: SnapshotReadOptions = {}): Promise<object> {
    const found = await this.findOne(where, options);
    if (!found) {
      throw this.#em.config.get('findOneOrFailHandler')(this.#meta.className, where as never);
    }
    return found;
  }

  async findAll({ where, ...options }: SnapshotReadOptions & { where?: unknown } = {}): Promise<object[]> {
    return this.find(where ?? {}, options);
  }

  async findAndCount(where: unknown, options: SnapshotReadOptions = {}): Promise<[object[], number]> {
    return [await this.find(where, options), await this.count(where, options)];
  }

  async count(where: unknown = {}, options: SnapshotReadOptions = {}): Promise<number> {
    return countSnapshots(this.#em, this.#meta, this.#where(where), this.#options('count', options));
  }

  findByCursor = () => this.#refuse('findByCursor()');
  countBy = () => this.#refuse('countBy()');
  stream = () => this.#refuse('stream()');
  populate = () => this.#refuse('populate()');
  createQueryBuilder = () => this.#refuse('createQueryBuilder()');
  qb = () => this.#refuse('qb()');

  get #em(): EntityManager {
    return this.em.getContext() as EntityManager;
  }

  get #meta() {
    return this.#em.getMetadata().get(this.entityName);
  }

  #where(where: unknown): never {
    return resolveTarget('onlyDeleted', this.#em, this.#meta as EntityMetadata, (where ?? {}) as never) as never;
  }

  #options(method: string, options: SnapshotReadOptions): SnapshotReadOptions {
    refuseUnknownOptions(`onlyDeleted().${method}() of archived ${this.#meta.className}`, options, OPTIONS);
    return options;
  }

  #refuse(method: string): never {
    throw new ArchivedScopeError(this.#meta.className, `onlyDeleted().${method}`);
  }
}

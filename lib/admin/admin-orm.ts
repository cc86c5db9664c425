import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { getInstallation } from '../installation/installation.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { PurgeService } from '../purge/purge.service.js';
import { SoftDeleteRepository } from '../repository/soft-delete.repository.js';
import { type AdminEntity, resolveAdminEntities } from './admin-entity.js';
import type { AdminDynamicOptions } from './soft-delete-admin.options.js';

/** The ORM behind one admin page. @internal */
export class AdminOrm {
  readonly catalog: SoftDeleteCatalog;
  readonly entities: readonly AdminEntity[];
  #retentions: Promise<ReadonlyMap<string, number | 'forever'>> | undefined;

  /** @throws SoftDeleteConfigError if an entity of the options cannot be shown as they say */
  constructor(
    private readonly orm: MikroORM,
    readonly purge: PurgeService,
    options: AdminDynamicOptions,
  ) {
    this.catalog = getInstallation(orm.em).catalog;
    this.entities = resolveAdminEntities(this.catalog, options.entities);
  }

  /**
   * An entity manager for one request: with the filters, the schema and the transaction of the request's own, where there is one, and
   * an identity map of its own.
   */
  fork(): EntityManager {
    return this.orm.em.fork({ keepTransactionContext: true });
  }

  repository(em: EntityManager, { entity }: AdminEntity): SoftDeleteRepository<object> {
    const repository: unknown = em.getRepository(entity);
    return repository instanceof SoftDeleteRepository ? repository : new SoftDeleteRepository(em, entity);
  }

  /** How long deleted rows of each entity are kept. Asked once: options do not change while the application runs. */
  async retention({ name }: AdminEntity): Promise<number | 'forever'> {
    this.#retentions ??= this.purge
      .plan()
      .then(({ entities }) => new Map(entities.map(({ entity, retention }) => [entity, retention])));
    try {
      return (await this.#retentions).get(name) ?? 'forever';
    } catch (error) {
      this.#retentions = undefined;
      throw error;
    }
  }
}

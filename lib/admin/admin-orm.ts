import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Compliance, createCompliance } from '../compliance/create-compliance.js';
import type { HoldTables } from '../installation/hold-tables.js';
import { getInstallation } from '../installation/installation.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { hasNoSchema } from '../purge/plan/has-no-schema.js';
import type { PurgeService } from '../purge/purge.service.js';
import { SoftDeleteRepository } from '../repository/soft-delete.repository.js';
import { type AdminEntity, resolveAdminEntities } from './admin-entity.js';
import type { AdminDynamicOptions } from './soft-delete-admin.options.js';

/** The ORM behind one admin page. @internal */
export class AdminOrm {
  readonly catalog: SoftDeleteCatalog;
  readonly entities: readonly AdminEntity[];
  /** Records and holds, if the ORM has their tables. */
  readonly compliance: Compliance | undefined;
  #retentions: Promise<ReadonlyMap<string, number | 'forever'>> | undefined;

  /** @throws SoftDeleteConfigError if an entity of the options cannot be shown as they say */
  constructor(
    private readonly orm: MikroORM,
    readonly purge: PurgeService,
    options: AdminDynamicOptions,
  ) {
    this.catalog = getInstallation(orm.em).catalog;
    this.entities = resolveAdminEntities(this.catalog, options.entities);
    this.compliance = getInstallation(orm.em).records && createCompliance(orm);
  }

  /**
   * An entity manager for one request: with the filters, the schema and the transaction of the request's own, where there is one, and
   * an identity map of its own.
   */
  fork(): EntityManager {
    return this.orm.em.fork({ keepTransactionContext: true });
  }

  /** Whether restorations and removals have to say why. */
  get requiresReason(): boolean {
    return getInstallation(this.orm.em).requiresReason;
  }

  /** The entity of the records, if their table is there for the tenant of the entity manager. */
  records(em: EntityManager): EntityMetadata | undefined {
    const { records } = getInstallation(em);
    return records && !hasNoSchema(em, records) ? records : undefined;
  }

  /** The same of the tables of holds. */
  holds(em: EntityManager): HoldTables | undefined {
    const { holds } = getInstallation(em);
    return holds && !hasNoSchema(em, holds.holds) ? holds : undefined;
  }

  /** Whether anything says who deleted rows of an entity: a property that may be shown, or records. */
  knowsActors(em: EntityManager, { shownActor }: AdminEntity): boolean {
    return shownActor !== undefined || this.records(em) !== undefined;
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

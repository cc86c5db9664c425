import type { EntityName, Primary } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../../options/any-of-the-orm.js';
import type { DeletionHandler, DeletionHookOptions } from '../../deletion/hooks/deletion-hook.js';
import { requireHookOptions } from '../../deletion/hooks/require-hook-options.js';
import { requireContext } from '../../installation/context-of.js';
import { getInstallation } from '../../installation/installation.js';
import type { Duration } from '../../options/duration.js';
import type { ErasureLedgerEntry, ErasureOptions } from '../../options/erasure-options.js';
import { intervalOf } from '../../options/interval.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';
import type { PurgeOptions } from '../../options/soft-delete-module-options.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { inPreview, inTransaction } from '../../sql/transaction.js';
import { currentManager } from '../current-manager.js';
import { findComplianceEntity } from '../require-compliance-entity.js';
import { askForPerson, findEarlier } from './ask-for-person.js';
import { changeErasure } from './change-erasure.js';
import { carryOutErasure } from './carry-out-erasure.js';
import { addErasureHook } from './hooks/erasure-hooks.js';
import { reapplyEntries, type ReappliedErasure } from './ledger/reapply-entries.js';
import { entryOf, erasureOptions, tellLedger } from './ledger/tell-ledger.js';
import { runErasures } from './run-erasures.js';
import { erasePerson } from './erase-person.js';
import { ErasureRecord } from './erasure.entity.js';
import type { ErasureCertificate, ErasurePlan } from './erasure-certificate.js';
import { certificateOf, type Erasure, type ErasureStatus, stateOf, statusOf } from './erasure-state.js';
import { managersOfTenants, tenantOf } from '../managers-of-tenants.js';
import { takeTurn } from './take-turn.js';
import { insertErasure, readErasures, showEntities, type StoredErasure } from './erasure-store.js';

/**
 * Options of `erase()`.
 *
 * @publicApi
 */
export interface EraseOptions {
  /**
   * When the person asked for it. The deadline counts from then on. A time that has not come yet counts as now.
   *
   * @default now
   */
  readonly requestedAt?: Date;
  /** Why, for the record. It should not name the person. */
  readonly reason?: string;
}

/**
 * Options of `request()`.
 *
 * @publicApi
 */
export interface RequestOptions extends EraseOptions {
  /** How long to wait before erasing, in case the person has second thoughts. */
  readonly after?: Duration;
}

/**
 * Erases personal data, as `@PersonalData()` declares it: active, deleted and archived rows. It leaves and names what a legal hold covers
 * or the law keeps; a later `run()` erases that.
 *
 * @publicApi
 */
export class ErasureService {
  constructor(
    private readonly orm: AnyOrm,
    /** What comes before the options of the ORM's configuration. */
    private readonly overrides: ErasureOptions = {},
    /** Tells the schemas of tenants, instead of what the ORM's configuration says. */
    private readonly schemas?: PurgeOptions['schemas'],
  ) {}

  /**
   * Returns what `erase()` would do, and what would be left. Writes nothing.
   *
   * @throws ErasureUndeclaredError if an entity or a column is not declared
   * @throws NotFoundError if there is no such person
   */
  async plan<Entity extends object>(entity: EntityName<Entity>, key: Primary<Entity> | Entity): Promise<ErasurePlan> {
    const asked = await askForPerson(currentManager(this.orm), 'ErasureService.plan()', entity, key);
    const { em, meta, key: texts } = asked;
    const done = await inPreview(em, async (ctx) => {
      await takeTurn(em, ctx);
      return erasePerson(em, ctx, meta, texts, { isPreview: true });
    });
    if (!done?.isThere) {
      throw asked.notFound();
    }
    const residue = done.pendingColumns + done.cells.length;
    return {
      subject: { entity: meta.root.className, key: keyFromTexts(em, meta, texts), ...tenantOf(em) },
      outcome: residue === 0 && !done.isPending ? 'completed' : 'partial',
      entities: showEntities(em, done.entities),
      residue,
    };
  }

  /**
   * Erases a person's data at once, in one transaction, and returns the certificate. Erasing again changes nothing.
   *
   * @throws ErasureUndeclaredError if an entity or a column is not declared; nothing is written then
   * @throws NotFoundError if there is no such person
   * @throws ReasonRequiredError if `log.reason` is `'required'` and there is none
   */
  async erase<Entity extends object>(
    entity: EntityName<Entity>,
    key: Primary<Entity> | Entity,
    options: EraseOptions = {},
  ): Promise<ErasureCertificate> {
    refuseUnknownOptions('ErasureService.erase()', options, ['requestedAt', 'reason']);
    requireType('ErasureService.erase(), requestedAt', options.requestedAt, 'Date');
    requireType('ErasureService.erase(), reason', options.reason, 'string');
    const asked = await askForPerson(currentManager(this.orm), 'ErasureService.erase()', entity, key);
    const { em, meta } = asked;
    const { requestedAt, reason } = options;
    const context = requireContext(
      getInstallation(em),
      'ErasureService.erase()',
      reason === undefined ? {} : { reason },
    );
    const id = await inTransaction(em, async (ctx) => {
      const open = await findEarlier(em, ctx, asked, requestedAt);
      if (!open && !asked.isThere) {
        throw asked.notFound();
      }
      const deadline = this.#deadline(em);
      return open?.id ?? insertErasure(em, ctx, { subject: meta, key: asked.key, requestedAt, deadline, ...context });
    });
    const hasLedger = this.#options(em).ledger !== undefined;
    const done = await inTransaction(em, (ctx) => carryOutErasure(em, ctx, meta, id, { context, hasLedger }));
    await tellLedger(em, id, this.#options(em));
    return certificateOf(em, done);
  }

  /**
   * Records a request for erasure, which `run()` carries out within the deadline. If a request is already open, it is returned as it is.
   *
   * @throws ErasureUndeclaredError if an entity or a column is not declared
   * @throws NotFoundError if there is no such person
   * @throws ReasonRequiredError if `log.reason` is `'required'` and there is none
   */
  async request<Entity extends object>(
    entity: EntityName<Entity>,
    key: Primary<Entity> | Entity,
    options: RequestOptions = {},
  ): Promise<Erasure> {
    const where = 'ErasureService.request()';
    refuseUnknownOptions(where, options, ['requestedAt', 'reason', 'after']);
    requireType(`${where}, requestedAt`, options.requestedAt, 'Date');
    requireType(`${where}, reason`, options.reason, 'string');
    const after = options.after === undefined ? undefined : intervalOf(`${where}, after`, options.after);
    const asked = await askForPerson(currentManager(this.orm), where, entity, key);
    const { em, meta } = asked;
    if (!asked.isThere) {
      throw asked.notFound();
    }
    const { requestedAt, reason } = options;
    const context = requireContext(getInstallation(em), where, reason === undefined ? {} : { reason });
    return inTransaction(em, async (ctx) => {
      const open = await findEarlier(em, ctx, asked, requestedAt);
      if (open && open.outcome !== 'completed') {
        return stateOf(em, open);
      }
      const deadline = this.#deadline(em);
      const id = await insertErasure(em, ctx, {
        subject: meta,
        key: asked.key,
        requestedAt,
        after,
        deadline,
        ...context,
      });
      return stateOf(em, (await readErasures(em, ctx, 'e."id" = ?', [id]))[0]!);
    });
  }

  /**
   * Withdraws a request that was not carried out yet.
   *
   * @throws SoftDeleteConfigError if there is no such request, or it was already carried out
   */
  withdraw(id: number): Promise<Erasure> {
    const where = 'ErasureService.withdraw()';
    return changeErasure(
      currentManager(this.orm),
      where,
      id,
      `e."outcome" is null`,
      `"withdrawn_at" = clock_timestamp()`,
      [],
    );
  }

  /**
   * Moves the due date of a request by two months, once, for complex or numerous requests. You have to tell the person why within the first
   * deadline.
   *
   * @throws SoftDeleteConfigError if there is no such request, it is completed or was extended before, or the reason is missing
   */
  async extend(id: number, reason: string): Promise<Erasure> {
    const where = 'ErasureService.extend()';
    requireType(`${where}, reason`, reason ?? '', 'string');
    return changeErasure(
      currentManager(this.orm),
      where,
      id,
      `e."outcome" is distinct from 'completed' and e."extended_at" is null`,
      `"extended_at" = clock_timestamp(), "extension_reason" = ?, "due_at" = ("due_at" at time zone 'UTC' + interval '2 months') at time zone 'UTC'`,
      [reason],
    );
  }

  /**
   * Carries out requests whose time has come, and resumes partial erasures: rows that are no longer held or kept, and rows that were added
   * after a completed erasure, which count as `residue` until a run finds nothing more. If each tenant has its own erasures and no tenant's
   * schema is set, it goes through all schemas that `purge.schemas` names; so do `entries()` and `status()`.
   *
   * @returns a certificate for each erasure that was carried out or resumed
   * @throws ErasureFailedError after all others were carried out, if some have failed; these stay open
   */
  async run(): Promise<ErasureCertificate[]> {
    const em = currentManager(this.orm);
    return runErasures(await managersOfTenants(em, this.schemas), this.#options(em));
  }

  /** Returns all ledger entries, for a ledger that you keep by other means. */
  async entries(): Promise<ErasureLedgerEntry[]> {
    const erased = await this.#read(`e."outcome" is not null and e."fingerprint" is not null`);
    return erased.flatMap(([em, stored]) => stored.map((one) => entryOf(em, one)));
  }

  /**
   * Erases persons again that a restored backup has brought back.
   *
   * @param entries - the ledger's entries, also as parsed from JSON
   * @throws SoftDeleteConfigError if an entry is invalid or of an unknown entity; nothing is erased then
   * @throws ErasureUndeclaredError if an entity or a column is not declared
   */
  async reapply(entries: readonly ErasureLedgerEntry[]): Promise<ReappliedErasure[]> {
    requireType('ErasureService.reapply()', entries ?? null, 'list');
    const em = currentManager(this.orm);
    return reapplyEntries(em, entries, this.#deadline(em));
  }

  /**
   * Does what `@OnErase()` does, without Nest: calls a handler with the rows of an entity before they are erased.
   *
   * @throws SoftDeleteConfigError if the entity has no `@PersonalData()`, it lacks a field, or an option is unknown
   */
  onErase<Entity extends object>(
    entity: EntityName<Entity>,
    handler: DeletionHandler<Entity>,
    options: DeletionHookOptions<Entity> = {},
  ): void {
    const where = 'ErasureService.onErase()';
    requireHookOptions(where, entity, options);
    requireType(where, handler ?? null, 'function');
    addErasureHook(this.orm.em as EntityManager, where, entity, handler, options);
  }

  /** Returns all erasures with their state. */
  async status(): Promise<ErasureStatus> {
    return statusOf(await this.#read('true'));
  }

  /** Counts overdue erasures; 0 if the ORM has no table of erasures. @internal */
  async countOverdue(): Promise<number> {
    const em = currentManager(this.orm);
    if (!findComplianceEntity(em, ErasureRecord)) {
      return 0;
    }
    const late = `e."due_at" < clock_timestamp() and e."withdrawn_at" is null and e."outcome" is distinct from 'completed'`;
    return statusOf(await this.#read(late)).overdue;
  }

  async #read(where: string): Promise<(readonly [EntityManager, StoredErasure[]])[]> {
    const found: (readonly [EntityManager, StoredErasure[]])[] = [];
    for (const em of await managersOfTenants(currentManager(this.orm), this.schemas)) {
      found.push([em, await readErasures(em, em.getTransactionContext(), where)]);
    }
    return found;
  }

  #deadline(em: EntityManager): string {
    return intervalOf('erasure.deadline', this.#options(em).deadline ?? '1 month');
  }

  #options(em: EntityManager): ErasureOptions {
    return erasureOptions(em, this.overrides);
  }
}

import { type EntityClass, type EntityMetadata, NotFoundError, type Primary } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { ErasureUndeclaredError } from '../../errors/erasure-undeclared.error.js';
import { showValue } from '../../errors/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { requireContext } from '../../installation/context-of.js';
import { getInstallation } from '../../installation/installation.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { inPreview, inTransaction } from '../../sql/transaction.js';
import { currentManager } from '../current-manager.js';
import { findRow } from '../record/find-row.js';
import { carryOutErasure } from './carry-out-erasure.js';
import { isArchived } from './graph/collect-personal-rows.js';
import { findUndeclared } from './declaration/find-undeclared.js';
import { erasePerson } from './erase-person.js';
import type { ErasureCertificate, ErasurePlan } from './erasure-certificate.js';
import { insertErasure, readErasures, showEntities, type StoredErasure } from './erasure-store.js';

/**
 * Options of `erase()`.
 *
 * @publicApi
 */
export interface EraseOptions {
  /**
   * When the person has asked for it. The deadline counts from then on.
   *
   * @default now
   */
  readonly requestedAt?: Date;
  /** Why, for the record. It should not name the person. */
  readonly reason?: string;
}

/** A person that was asked for. */
interface AskedPerson {
  readonly em: EntityManager;
  readonly meta: EntityMetadata;
  readonly key: readonly string[];
  readonly given: unknown;
  /** In its table, or in the archive. */
  readonly isThere: boolean;
}

/**
 * Erases persons' data, as `@PersonalData()` declares: in tables, among deleted rows and in the archive. What a legal hold covers or the
 * law keeps is left alone and named, and erased by a later `run()`.
 *
 * @publicApi
 */
export class ErasureService {
  constructor(private readonly orm: MikroORM<any>) {}

  /**
   * What `erase()` would do, and what would be left. Nothing is written.
   *
   * @throws ErasureUndeclaredError if nobody says of an entity or a column what is to become of it
   * @throws NotFoundError if there is no such person
   */
  async plan<Entity extends object>(entity: EntityClass<Entity>, key: Primary<Entity> | Entity): Promise<ErasurePlan> {
    const { em, meta, key: texts, given } = await this.#ask('ErasureService.plan()', entity, key);
    const done = await inPreview(em, (ctx) => erasePerson(em, ctx, meta, texts, { isPreview: true }));
    if (!done) {
      throw notFound(meta, given);
    }
    const residue = done.pendingColumns + done.cells.length;
    return {
      subject: { entity: meta.root.className, key: keyFromTexts(em, meta, texts) },
      outcome: residue === 0 && !done.isPending ? 'completed' : 'partial',
      entities: showEntities(em, done.entities),
      residue,
    };
  }

  /**
   * Erases a person's data at once, in one transaction. Erasing again changes nothing.
   *
   * @throws ErasureUndeclaredError if nobody says of an entity or a column what is to become of it; nothing is written then
   * @throws NotFoundError if there is no such person
   * @throws ReasonRequiredError if `log.reason` is `'required'` and there is none
   */
  async erase<Entity extends object>(
    entity: EntityClass<Entity>,
    key: Primary<Entity> | Entity,
    options: EraseOptions = {},
  ): Promise<ErasureCertificate> {
    refuseUnknownOptions('ErasureService.erase()', options, ['requestedAt', 'reason']);
    requireType('ErasureService.erase(), requestedAt', options.requestedAt, 'Date');
    requireType('ErasureService.erase(), reason', options.reason, 'string');
    const { em, meta, key: texts, given, isThere } = await this.#ask('ErasureService.erase()', entity, key);
    const { requestedAt, reason } = options;
    const context = requireContext(
      getInstallation(em),
      'ErasureService.erase()',
      reason === undefined ? {} : { reason },
    );
    const id = await inTransaction(em, async (ctx) => {
      const [open] = await readErasures(
        em,
        ctx,
        'e."entity" = ? and e."key" = cast(? as jsonb) and e."withdrawn_at" is null and (e."outcome" is distinct from \'completed\' or coalesce(e."requested_at" = cast(? as timestamptz), true))',
        [meta.root.className, JSON.stringify(texts), requestedAt?.toISOString() ?? null],
      );
      if (!open && !isThere) {
        throw notFound(meta, given);
      }
      return (
        open?.id ?? insertErasure(em, ctx, { subject: meta, key: texts, requestedAt, deadline: '1 month', ...context })
      );
    });
    return certificateOf(em, meta, await inTransaction(em, (ctx) => carryOutErasure(em, ctx, meta, id, { context })));
  }

  async #ask(where: string, entity: EntityClass<any>, given: unknown): Promise<AskedPerson> {
    const em = currentManager(this.orm);
    const meta = em.getMetadata().find(entity as never);
    if (!meta) {
      throw new SoftDeleteConfigError(
        where,
        `${entity?.name ?? showValue(entity)} is no entity of this ORM.`,
        'Pass the class of an entity that is registered in the MikroORM configuration.',
      );
    }
    const undeclared = findUndeclared(em, meta);
    if (undeclared.length > 0) {
      throw new ErasureUndeclaredError(meta.className, undeclared);
    }
    const row = await findRow(em, meta, given, where);
    const texts = JSON.parse(row.key) as string[];
    const isThere = row.isThere || (await isArchived(em, em.getTransactionContext(), meta, texts));
    return { em, meta, key: texts, given, isThere };
  }
}

function certificateOf(em: EntityManager, meta: EntityMetadata, stored: StoredErasure): ErasureCertificate {
  return {
    id: stored.id,
    subject: { entity: stored.entity, key: keyFromTexts(em, meta, stored.key) },
    requestedAt: stored.requestedAt,
    dueAt: stored.dueAt,
    finishedAt: stored.finishedAt!,
    onTime: stored.onTime,
    outcome: stored.outcome!,
    entities: showEntities(em, stored.certificate!.entities),
    residue: stored.certificate!.residue,
  };
}

function notFound(meta: EntityMetadata, key: unknown): NotFoundError {
  return new NotFoundError(`There is no ${meta.className} ${showValue(key)}, neither in its table nor in the archive.`);
}

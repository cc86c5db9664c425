import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { ErasureCertificate } from './erasure-certificate.js';
import { tenantOf } from '../managers-of-tenants.js';
import { showEntities, type StoredErasure } from './erasure-store.js';

/**
 * A requested erasure and its state.
 *
 * @publicApi
 */
export interface Erasure {
  readonly id: number;
  /** Who it is, and in which schema if each tenant has its own erasures. */
  readonly subject: { readonly entity: string; readonly key: unknown; readonly schema?: string };
  readonly state: 'requested' | 'partial' | 'completed' | 'withdrawn';
  readonly requestedAt: Date;
  readonly dueAt: Date;
  /** Nothing is erased before. */
  readonly notBefore?: Date;
  readonly extendedAt?: Date;
  readonly withdrawnAt?: Date;
  readonly finishedAt?: Date;
  /**
   * Whether it is overdue, by the database's clock. A partial one that only waits for holds and legal periods is not.
   */
  readonly isOverdue: boolean;
  /** Whether the ledger has received it; only of completed ones, if there is a ledger. */
  readonly ledger?: 'owed' | 'told';
  /** The certificate, once it was tried. */
  readonly certificate?: ErasureCertificate;
}

/**
 * All erasures, and how many of them need attention.
 *
 * @publicApi
 */
export interface ErasureStatus {
  /** Requested or partial ones. */
  readonly open: number;
  readonly partial: number;
  readonly overdue: number;
  /** Completed ones that the ledger has not received. */
  readonly owed: number;
  /** When the next open one is due. */
  readonly nextDueAt?: Date;
  /** Oldest first; of several tenants, one tenant after the other. */
  readonly erasures: readonly Erasure[];
}

/** @internal */
export function certificateOf(em: EntityManager, stored: StoredErasure): ErasureCertificate {
  return {
    id: stored.id,
    subject: subjectOf(em, stored),
    requestedAt: stored.requestedAt,
    dueAt: stored.dueAt,
    finishedAt: stored.finishedAt!,
    onTime: stored.onTime,
    outcome: stored.outcome!,
    entities: showEntities(em, stored.certificate!.entities),
    residue: stored.certificate!.residue,
  };
}

/** @internal */
export function stateOf(em: EntityManager, stored: StoredErasure): Erasure {
  const { notBefore, extendedAt, withdrawnAt, finishedAt, outcome, ledger } = stored;
  return {
    id: stored.id,
    subject: subjectOf(em, stored),
    state: withdrawnAt ? 'withdrawn' : (outcome ?? 'requested'),
    requestedAt: stored.requestedAt,
    dueAt: stored.dueAt,
    ...(notBefore ? { notBefore } : {}),
    ...(extendedAt ? { extendedAt } : {}),
    ...(withdrawnAt ? { withdrawnAt } : {}),
    ...(finishedAt && outcome === 'completed' ? { finishedAt } : {}),
    isOverdue: isOverdue(stored),
    ...(ledger ? { ledger } : {}),
    ...(outcome ? { certificate: certificateOf(em, stored) } : {}),
  };
}

/** @internal */
export function statusOf(stored: readonly (readonly [EntityManager, readonly StoredErasure[]])[]): ErasureStatus {
  const all = stored.flatMap(([, ofSchema]) => ofSchema);
  const open = all.filter(({ withdrawnAt, outcome }) => !withdrawnAt && outcome !== 'completed');
  const [next] = open.map(({ dueAt }) => dueAt).toSorted((one, other) => one.getTime() - other.getTime());
  return {
    open: open.length,
    partial: open.filter(({ outcome }) => outcome === 'partial').length,
    overdue: all.filter(isOverdue).length,
    owed: all.filter(({ ledger }) => ledger === 'owed').length,
    ...(next ? { nextDueAt: next } : {}),
    erasures: stored.flatMap(([em, ofSchema]) => ofSchema.map((one) => stateOf(em, one))),
  };
}

function isOverdue({ isOverdue: isLate, withdrawnAt, outcome, cells }: StoredErasure): boolean {
  return isLate && !withdrawnAt && (outcome === null || (outcome === 'partial' && cells.length > 0));
}

function subjectOf(em: EntityManager, { entity, key }: StoredErasure): Erasure['subject'] {
  return { entity, key: keyFromTexts(em, metaOf(em, entity), key), ...tenantOf(em) };
}

/** @internal */
export function metaOf(em: EntityManager, entity: string): EntityMetadata | undefined {
  return [...em.getMetadata()].find(({ className }) => className === entity);
}

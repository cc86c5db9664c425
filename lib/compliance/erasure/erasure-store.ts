import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionContext } from '../../events/deletion-context.js';
import type { ErasureFingerprint } from '../../options/erasure-options.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { execute } from '../../sql/transaction.js';
import { complianceTable } from '../compliance-table.js';
import type { DescribedEntity } from './describe-erasure.js';
import type { ErasedEntity } from './erasure-certificate.js';
import { ErasureRecord } from './erasure.entity.js';
import type { ResidualCell } from './search/residual-cell.js';

/** A row of the table of erasures. @internal */
export interface StoredErasure {
  readonly id: number;
  readonly entity: string;
  readonly key: readonly string[];
  readonly requestedAt: Date;
  readonly dueAt: Date;
  readonly isOverdue: boolean;
  readonly onTime: boolean;
  readonly notBefore: Date | null;
  readonly reason: string | null;
  readonly extendedAt: Date | null;
  readonly withdrawnAt: Date | null;
  readonly outcome: 'partial' | 'completed' | null;
  readonly finishedAt: Date | null;
  readonly checkedAt: Date | null;
  readonly certificate: { readonly entities: readonly DescribedEntity[]; readonly residue: number } | null;
  readonly cells: readonly ResidualCell[];
  readonly fingerprint: ErasureFingerprint | null;
  readonly ledger: 'owed' | 'told' | null;
}

const TIMES = [
  'requested_at',
  'due_at',
  'not_before',
  'extended_at',
  'withdrawn_at',
  'finished_at',
  'checked_at',
] as const;

type Stored = Record<(typeof TIMES)[number], string | null> & {
  readonly id: number;
  readonly entity: string;
  readonly key: string[];
  readonly is_overdue: boolean;
  readonly on_time: boolean;
  readonly reason: string | null;
  readonly outcome: StoredErasure['outcome'];
  readonly certificate: StoredErasure['certificate'];
  readonly cells: ResidualCell[] | null;
  readonly fingerprint: ErasureFingerprint | null;
  readonly ledger: StoredErasure['ledger'];
};

/** @throws SoftDeleteConfigError if the ORM does not have it, or not for the entity manager @internal */
export function erasureTable(em: EntityManager): string {
  return complianceTable(em, ErasureRecord);
}

/** Whether an erasure `e` was asked for at a time that users see, without its microseconds. @internal */
export const IS_REQUESTED_AT = `date_trunc('milliseconds', e."requested_at") = cast(? as timestamptz)`;

/** The erasures that meet a condition on rows `e`, the oldest first. @internal */
export async function readErasures(
  em: EntityManager,
  ctx: Transaction | undefined,
  where: string,
  params: readonly unknown[] = [],
): Promise<StoredErasure[]> {
  const times = TIMES.map((name) => `${unitTextSql(`e."${name}"`, 'timestamptz')} as ${name}`);
  const rows = await execute<Stored>(
    em,
    ctx as Transaction,
    `select e."id", e."entity", e."key", e."reason", e."outcome", e."certificate", e."cells", e."fingerprint", e."ledger", ` +
      `e."due_at" < clock_timestamp() as is_overdue, coalesce(e."finished_at", clock_timestamp()) <= e."due_at" as on_time, ` +
      `${times.join(', ')} from ${erasureTable(em)} as e where ${where} order by e."id"`,
    params,
  );
  return rows.map((row) => ({
    id: row.id,
    entity: row.entity,
    key: row.key,
    requestedAt: dateOf(row.requested_at)!,
    dueAt: dateOf(row.due_at)!,
    isOverdue: row.is_overdue,
    onTime: row.on_time,
    notBefore: dateOf(row.not_before),
    reason: row.reason,
    extendedAt: dateOf(row.extended_at),
    withdrawnAt: dateOf(row.withdrawn_at),
    outcome: row.outcome,
    finishedAt: dateOf(row.finished_at),
    checkedAt: dateOf(row.checked_at),
    certificate: row.certificate,
    cells: row.cells ?? [],
    fingerprint: row.fingerprint,
    ledger: row.ledger,
  }));
}

/** What somebody asks to have erased. @internal */
export interface AskedErasure extends DeletionContext {
  readonly subject: EntityMetadata;
  readonly key: readonly string[];
  readonly requestedAt?: Date | undefined;
  /** An interval; nothing is erased before it is over. */
  readonly after?: string | undefined;
  /** An interval, within which it has to be done. */
  readonly deadline: string;
}

/** A length of time after `t.at`, by the calendar in UTC: no session's time zone decides about a day. */
const AFTER = `(t.at at time zone 'UTC' + cast(? as interval)) at time zone 'UTC'`;

/** Notes that an erasure was asked for, and when it is due: by the database's clock, and months of the calendar in UTC. @internal */
export async function insertErasure(em: EntityManager, ctx: Transaction, asked: AskedErasure): Promise<number> {
  const [row] = await execute<{ id: number }>(
    em,
    ctx,
    `insert into ${erasureTable(em)} ("entity", "key", "requested_at", "due_at", "not_before", "actor", "reason") ` +
      `select ?, cast(? as jsonb), t.at, ${AFTER}, ${AFTER}, ?, ? from (select least(cast(? as timestamptz), clock_timestamp()) as at) as t returning "id"`,
    [
      asked.subject.root.className,
      JSON.stringify(asked.key),
      asked.deadline,
      asked.after ?? null,
      asked.actor ?? null,
      asked.reason ?? null,
      asked.requestedAt?.toISOString() ?? null,
    ],
  );
  return row!.id;
}

/** Entities as a certificate shows them: keys as entities have them, times as dates. @internal */
export function showEntities(em: EntityManager, entities: readonly DescribedEntity[]): ErasedEntity[] {
  return entities.map(({ kept, held, ...entity }) => {
    const meta = [...em.getMetadata()].find(({ className }) => className === entity.entity);
    const show = (key: readonly string[]) => keyFromTexts(em, meta, key);
    return {
      ...entity,
      kept: kept.map(({ key, ground, until }) => ({
        key: show(key),
        ground,
        until: until === null ? null : new Date(until),
      })),
      held: held.map(({ key, hold }) => ({ key: show(key), hold })),
    };
  });
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`);
}

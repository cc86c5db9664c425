import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { HoldTables } from '../../installation/hold-tables.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import type { RowKey } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';

/** A row that a hold is placed on. @internal */
export interface HeldRow {
  readonly meta: EntityMetadata;
  readonly key: RowKey;
}

/**
 * A legal hold.
 *
 * @publicApi
 */
export interface LegalHold {
  readonly id: number;
  readonly name: string;
  readonly reason: string;
  readonly placedAt: Date;
  readonly placedBy?: string;
  readonly reviewAt?: Date;
  /** Whether that time has come, by the database's clock, and the hold is still active. */
  readonly isToBeReviewed: boolean;
  readonly releasedAt?: Date;
  readonly releasedBy?: string;
  readonly releaseReason?: string;
  /** The rows it was placed on. */
  readonly on: readonly { readonly entity: string; readonly key: unknown }[];
}

interface HoldRow {
  readonly id: number;
  readonly name: string;
  readonly reason: string;
  readonly placed_at: string;
  readonly placed_by: string | null;
  readonly review_at: string | null;
  readonly is_to_be_reviewed: boolean;
  readonly released_at: string | null;
  readonly released_by: string | null;
  readonly release_reason: string | null;
  readonly rows: readonly { readonly entity: string; readonly key: readonly string[] }[];
}

/** Whether the time has come at which somebody wanted to look at a hold `h` that is still active. @internal */
export const IS_TO_BE_REVIEWED = `(h."released_at" is null and h."review_at" is not null and h."review_at" < now())`;

/** Holds, the newest first: all, or one. @internal */
export async function readHolds(
  em: EntityManager,
  ctx: Transaction | undefined,
  { holds, rows }: HoldTables,
  id?: number,
): Promise<LegalHold[]> {
  const times = ['placed_at', 'review_at', 'released_at'].map(
    (name) => `${unitTextSql(`h."${name}"`, 'timestamptz')} as ${name}`,
  );
  const found = await execute<HoldRow & Record<string, unknown>>(
    em,
    ctx as Transaction,
    `select h."id", h."name", h."reason", h."placed_by", h."released_by", h."release_reason", ${times.join(', ')}, ${IS_TO_BE_REVIEWED} as is_to_be_reviewed, ` +
      `(select jsonb_agg(jsonb_build_object('entity', r."entity", 'key', r."key") order by r."entity", r."key") from ${tableName(em, rows)} as r where r."hold" = h."id") as rows ` +
      `from ${tableName(em, holds)} as h${id === undefined ? '' : ' where h."id" = ?'} order by h."id" desc`,
    id === undefined ? [] : [id],
  );
  return found.map((row) => ({
    id: row.id,
    name: row.name,
    reason: row.reason,
    placedAt: date(row.placed_at),
    ...(row.placed_by === null ? {} : { placedBy: row.placed_by }),
    ...(row.review_at === null ? {} : { reviewAt: date(row.review_at) }),
    isToBeReviewed: row.is_to_be_reviewed,
    ...(row.released_at === null ? {} : { releasedAt: date(row.released_at) }),
    ...(row.released_by === null ? {} : { releasedBy: row.released_by }),
    ...(row.release_reason === null ? {} : { releaseReason: row.release_reason }),
    on: row.rows.map(({ entity, key }) => {
      const meta = [...em.getMetadata()].find(({ className }) => className === entity);
      return { entity, key: keyFromTexts(em, meta, key) };
    }),
  }));
}

function date(text: string): Date {
  return new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`);
}

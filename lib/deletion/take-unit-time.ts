import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from './transaction.js';

/**
 * The time of deletion that a new unit is known by.
 *
 * @internal
 */
export interface UnitTime {
  /** To the microsecond, in UTC, as the database reads it. */
  readonly text: string;
  /** The same to the millisecond, as memory holds it. */
  readonly date: Date;
}

/**
 * A time from the database's clock that no other deletion uses. Two transactions may ask in the same microsecond, so each takes
 * an advisory lock on the microsecond until it ends; `pg_try_advisory_xact_lock` never waits, and as a transaction-level
 * lock it is safe behind a transaction pooler. The later one gets the next free microsecond.
 *
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
 * @internal
 */
export async function takeUnitTime(em: EntityManager, ctx: Transaction): Promise<UnitTime> {
  const [row] = await execute<{ unit: string }>(
    em,
    ctx,
    `select to_char(t at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' as unit
     from (select clock_timestamp() + n * interval '1 microsecond' as t from generate_series(0, 9999) as n offset 0) as free
     where pg_try_advisory_xact_lock((extract(epoch from t) * 1000000)::bigint)
     limit 1`,
  );
  const text = row!.unit;
  return { text, date: new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`) };
}

import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { TransactionState } from '../events/transaction-state.js';
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

/** The first key of this package's advisory locks; the second one is the slot. Spells "soft". */
const LOCK_SPACE = 0x73_6f_66_74;

/**
 * A time from the database's clock that no other deletion uses.
 *
 * Two transactions may ask in the same microsecond. So each takes one of a hundred slots, which is an advisory lock until the
 * transaction ends, and owns the microseconds that leave its number when divided by a hundred; within the transaction every
 * time is later than the one before. It is one lock however much a transaction deletes, `pg_try_advisory_xact_lock` never
 * waits, and as a transaction-level lock it is safe behind a transaction pooler. Should more than a hundred transactions
 * delete at once, the others share the microseconds by chance.
 *
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
 * @internal
 */
export async function takeUnitTime(
  em: EntityManager,
  ctx: Transaction,
  transactions: TransactionState,
): Promise<UnitTime> {
  const known = transactions.unitSlot(ctx);
  const slot = known
    ? 'select cast(? as int) as slot'
    : `select coalesce(
         (select s.slot from (select (pg_backend_pid() + n) % 100 as slot from generate_series(0, 99) as n offset 0) as s
          where pg_try_advisory_xact_lock(${LOCK_SPACE}, s.slot) limit 1),
         floor(random() * 100)::int) as slot`;
  const earliest = known ? `cast(? as timestamptz) + interval '100 microseconds'` : `'-infinity'::timestamptz`;
  const [row] = await execute<{ unit: string; slot: number }>(
    em,
    ctx,
    `with own as materialized (${slot})
     select own.slot, to_char(
       greatest(clock_timestamp(), ${earliest}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as unit from own`,
    known ? [known.slot, known.last] : [],
  );
  const text = `${row!.unit.slice(0, -2)}${String(row!.slot).padStart(2, '0')}+00`;
  transactions.keepUnitSlot(ctx, { slot: row!.slot, last: text });
  return { text, date: new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`) };
}

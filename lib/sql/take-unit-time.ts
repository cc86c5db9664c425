import type { EntityMetadata } from '@mikro-orm/core';
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
  /** Who deletes, for the entities that keep it on the row. */
  readonly actor?: string | undefined;
  /** How many rows of each entity have got another time than this one from the database. */
  readonly changed: Map<EntityMetadata, number>;
}

/** The first key of this package's advisory locks; the second one is the slot. Spells "soft". */
const LOCK_SPACE = 0x73_6f_66_74;

/** How many transactions may delete at once without waiting for each other. */
const SLOTS = 1000;

/** How far ahead the first slot is looked for, so that it is taken before its microsecond comes. */
const LEAD_MICROSECONDS = 30;

const NOW = '(extract(epoch from clock_timestamp()) * 1000000)::int8';

const FIRST_SQL = unitTimeSql(`select ((now + generate_series(0, ${SLOTS - 1})) % ${SLOTS})::int as slot from start`);
const AGAIN_SQL = unitTimeSql(
  `select cast(? as int) as slot union all select ((now + generate_series(0, ${SLOTS - 1})) % ${SLOTS})::int from start`,
);

/**
 * A time from the database's clock that no other deletion uses.
 *
 * Two transactions may ask in the same microsecond. So each holds one of a thousand slots, which is an advisory lock until the
 * transaction ends, and owns the microseconds that leave its number when divided by a thousand. Three rules make a time
 * unique for as long as the clock is not set back:
 *
 * - it is read after the slot was taken, so that it is later than anything that the slot's last owner has used;
 * - it is returned once it has passed, so that the next owner's will be later still;
 * - the slot is asked for with every time: if a savepoint of which the ORM knows nothing has let go of it, it is taken anew.
 *
 * A transaction holds one lock however much it deletes, and as a transaction-level lock it is safe behind a transaction pooler.
 * Only when all slots are taken does the statement wait for one, as for any lock: PostgreSQL finds the deadlocks.
 *
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
 * @param actor - who deletes
 * @internal
 */
export async function takeUnitTime(
  em: EntityManager,
  ctx: Transaction,
  transactions: TransactionState,
  actor?: string,
): Promise<UnitTime> {
  const known = transactions.unitSlot(ctx);
  const [row] = await execute<{ slot: number; last: string; text: string }>(em, ctx, known ? AGAIN_SQL : FIRST_SQL, [
    ...(known ? [known.slot] : []),
    known?.last ?? 0,
  ]);
  const { slot, last, text } = row!;
  transactions.keepUnitSlot(ctx, { slot, last });
  return {
    text: `${text}+00`,
    actor,
    changed: new Map(),
    date: new Date(`${text.slice(0, 10)}T${text.slice(11, 23)}Z`),
  };
}

/** @param candidates - a query for slots, in the order in which they are tried */
function unitTimeSql(candidates: string): string {
  const waitedFor = `(now % ${SLOTS})::int`;
  return `with recursive
    start as materialized (select ${NOW} + ${LEAD_MICROSECONDS} as now),
    own as materialized (select coalesce(
      (select slot from (${candidates} offset 0) as c where pg_try_advisory_xact_lock(${LOCK_SPACE}, slot) limit 1),
      (select ${waitedFor} from start where pg_advisory_xact_lock(${LOCK_SPACE}, ${waitedFor}) is not null)) as slot),
    earliest as materialized (select slot, greatest(${NOW}, cast(? as int8)) + 1 as at from own),
    unit as materialized (select slot, at + (slot - at % ${SLOTS} + ${SLOTS}) % ${SLOTS} as at from earliest),
    wait (until, now) as (
      select at, at - 1 from unit
      union all
      select until, ${NOW} from wait where now between until - ${SLOTS} and until - 1)
  select slot, at::text as last, to_char(
    (to_timestamp(at / 1000000) + at % 1000000 * interval '1 microsecond') at time zone 'UTC',
    'YYYY-MM-DD HH24:MI:SS.US') as text
  from unit, (select count(*) from wait) as waited`;
}

import type { TriggerDef } from '@mikro-orm/core';
import {
  ALLOW_PHYSICAL_DELETE_SQL,
  HOLDS_CHECKED,
  HOLDS_SETTING,
  PHYSICAL_DELETE_SETTING,
  MARK_HOLDS_CHECKED_SQL,
} from '../sql/guard-setting.js';
import { LOCK_FOR_REMOVAL_SQL } from '../sql/held-rows.js';

/** @internal */
export const GUARD_TRIGGER = 'soft_delete_guard';

const IS_NOT_ALLOWED = differs(PHYSICAL_DELETE_SETTING, 'allowed');

const REFUSAL = `raise exception using errcode = 'restrict_violation', message = format('Refused to delete a row of %I.%I physically: its table is soft-deleted. Set the timestamp instead, or call hardDelete() of the repository or run the purge. To delete physically in SQL, run in the same transaction: %s', tg_table_schema, tg_table_name, $allow$${ALLOW_PHYSICAL_DELETE_SQL}$allow$);`;

/**
 * The trigger that refuses a physical delete unless the transaction allows it. It looks at each row, not at each statement:
 * a foreign key's `on delete cascade` runs a statement on the child table for every parent, also for one without children.
 *
 * What is allowed never enters the function: the condition is the trigger's own, which PostgreSQL evaluates in a fraction of
 * the time that a call takes. It is written exactly as PostgreSQL prints it, because the schema generator compares it so.
 *
 * @internal
 */
export function guardTrigger(): TriggerDef {
  return {
    name: GUARD_TRIGGER,
    timing: 'before',
    events: ['delete'],
    forEach: 'row',
    when: `(${IS_NOT_ALLOWED})`,
    body: REFUSAL,
  };
}

/** What the guard asks about legal holds. @internal */
export interface HoldQuestions {
  /** Whether there is an active one. */
  readonly isAnyActive: string;
  /** A query that puts the first one that covers the row `old` into `hold`. */
  readonly findCovering: string;
  /** Whether the table, or one that leads to it, is there once for each tenant. */
  readonly isOfTenant: boolean;
}

/**
 * The same where holds may be placed: an allowed delete of a row that one covers is refused as well. It waits for a hold that is being
 * placed, and lets none be placed before the transaction ends; each statement of the function sees what was committed by then, but in
 * transactions that go on with an older snapshot, which are refused. Without an active hold it is asked once in a transaction.
 *
 * @internal
 */
export function guardTriggerWithHolds({ isAnyActive, findCovering, isOfTenant }: HoldQuestions): TriggerDef {
  const refuse = (reason: string, ...values: string[]) =>
    `raise exception using errcode = 'restrict_violation', message = format('Refused to delete a row of %I.%I: ${reason}', ${['tg_table_schema', 'tg_table_name', ...values].join(', ')});`;
  return {
    ...guardTrigger(),
    when: `((${IS_NOT_ALLOWED}) OR (${differs(HOLDS_SETTING, HOLDS_CHECKED)}))`,
    body: [
      `if ${IS_NOT_ALLOWED} then ${REFUSAL} end if;`,
      `if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then ${refuse('a transaction of isolation level %s does not see the legal holds that are placed while it runs. Delete in one of READ COMMITTED.', `upper(current_setting('transaction_isolation'))`)} end if;`,
      `perform ${LOCK_FOR_REMOVAL_SQL};`,
      ...(isOfTenant
        ? [
            `declare hold record; path text := current_setting('search_path'); begin`,
            `perform set_config('search_path', format('%I, %s', tg_table_schema, path), true);`,
            // What one tenant has no holds of, another may have.
            `if not ${isAnyActive} then perform set_config('search_path', path, true); return old; end if;`,
            findCovering,
            `perform set_config('search_path', path, true);`,
          ]
        : [
            `if not ${isAnyActive} then perform ${MARK_HOLDS_CHECKED_SQL}; return old; end if;`,
            `declare hold record; begin`,
            findCovering,
          ]),
      `if hold.id is not null then ${refuse(`the legal hold %s, "%s", covers it. It can go once the hold is released.`, 'hold.id', 'hold.name')} end if;`,
      `end; return old;`,
    ].join(' '),
  };
}

function differs(setting: string, value: string): string {
  return `current_setting('${setting}'::text, true) IS DISTINCT FROM '${value}'::text`;
}

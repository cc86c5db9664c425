import type { TriggerDef } from '@mikro-orm/core';
import { ALLOW_PHYSICAL_DELETE_SQL, PHYSICAL_DELETE_SETTING } from '../sql/guard-setting.js';

/** @internal */
export const GUARD_TRIGGER = 'soft_delete_guard';

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
    when: `(current_setting('${PHYSICAL_DELETE_SETTING}'::text, true) IS DISTINCT FROM 'allowed'::text)`,
    body: `raise exception using errcode = 'restrict_violation', message = format('Refused to delete a row of %I.%I physically: its table is soft-deleted. Set the timestamp instead, or call hardDelete() of the repository or run the purge. To delete physically in SQL, run in the same transaction: %s', tg_table_schema, tg_table_name, $allow$${ALLOW_PHYSICAL_DELETE_SQL}$allow$);`,
  };
}

import type { TriggerDef } from '@mikro-orm/core';
import { PSEUDONYMISE_SETTING, RECORDS_BEFORE_SETTING } from '../../sql/guard-setting.js';

/**
 * The trigger that refuses to change or remove records, by UPDATE, DELETE and MERGE, of the table's partitions as well. An erasure may
 * put a pseudonym in the place of an actor, and take values out of a reason; everything else of a record stays what it was. Records that
 * are older than the transaction says, whose retention is over, may be deleted.
 *
 * It stops accidents and applications, not the table's owner: who may disable triggers, detach or drop a table, or set
 * `session_replication_role`, is a matter of grants.
 *
 * @internal
 */
export function recordTrigger(table: string): TriggerDef {
  const kept = (row: string) => `to_jsonb(${row}) - 'actor' - 'reason'`;
  const isSame = (column: string, or: string) =>
    `(new.${column} is not distinct from old.${column} or new.${column} like '${or}')`;
  return {
    name: `${table}_append_only`,
    timing: 'before',
    events: ['update', 'delete'],
    forEach: 'row',
    body:
      `if tg_op = 'DELETE' then if old."at" < nullif(current_setting('${RECORDS_BEFORE_SETTING}', true), '')::timestamptz then return old; end if; end if; ` +
      `if tg_op = 'UPDATE' then if current_setting('${PSEUDONYMISE_SETTING}', true) = 'allowed' and ${kept('old')} = ${kept('new')} ` +
      `and ${isSame('actor', 'erased-%')} and ${isSame('reason', '%[erased]%')} then return new; end if; end if; ` +
      `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name);`,
  };
}

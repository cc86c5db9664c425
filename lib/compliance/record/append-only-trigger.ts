import type { TriggerDef } from '@mikro-orm/core';
import { RECORDS_BEFORE_SETTING } from '../../sql/guard-setting.js';

/**
 * The trigger that refuses to change or remove rows of a table, by UPDATE, DELETE and MERGE, of its partitions as well. It stops
 * accidents and applications, not the table's owner: who may disable triggers, detach or drop a table, or set
 * `session_replication_role`, is a matter of grants.
 *
 * @param time - the column by which rows that are old enough may go, if the transaction says which these are
 * @internal
 */
export function appendOnlyTrigger(table: string, time?: string): TriggerDef {
  const refusal = `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name);`;
  const isOld = `tg_op = 'DELETE' and old."${time}" < nullif(current_setting('${RECORDS_BEFORE_SETTING}', true), '')::timestamptz`;
  return {
    name: `${table}_append_only`,
    timing: 'before',
    events: ['update', 'delete'],
    forEach: 'row',
    body: time === undefined ? refusal : `if ${isOld} then return old; end if; ${refusal}`,
  };
}

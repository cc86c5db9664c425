import type { TriggerDef } from '@mikro-orm/core';

/**
 * The trigger that refuses to change or remove rows of a table, by UPDATE, DELETE and MERGE, of its partitions as well. It stops
 * accidents and applications, not the table's owner: who may disable triggers, detach or drop a table, or set
 * `session_replication_role`, is a matter of grants.
 *
 * @internal
 */
export function appendOnlyTrigger(table: string): TriggerDef {
  return {
    name: `${table}_append_only`,
    timing: 'before',
    events: ['update', 'delete'],
    forEach: 'row',
    body: `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name);`,
  };
}

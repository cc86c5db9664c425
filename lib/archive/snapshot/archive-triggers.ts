import type { TriggerDef } from '@mikro-orm/core';
import { ALLOW_ARCHIVE_REMOVAL_SQL, ARCHIVE_REMOVAL_SETTING, PSEUDONYMISE_SETTING } from '../../sql/guard-setting.js';

/** What stays of a row when an erasure takes personal values out of it. */
const KEPT = ['part', 'key', 'unit', 'entity', 'schema', 'owners', 'types', 'links'];

/**
 * The triggers that refuse to remove and to change archived rows by UPDATE, DELETE and MERGE, of the table's partitions as well. This
 * package removes them under a setting that lasts for one statement. What is allowed so never enters the function: the condition is the
 * trigger's own. It is written exactly as PostgreSQL prints it, because the schema generator compares it so.
 *
 * Of a row, an erasure may replace the values, the actor and the reason; everything else stays what it was.
 *
 * @internal
 */
export function archiveTriggers(table: string): TriggerDef[] {
  const advice = `Rows leave it with restore(), hardDelete(), erasures and the purge. To remove some in SQL, run in the same transaction: %s`;
  const refusal = (more: string, ...values: string[]) =>
    `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.${more}', ${['lower(tg_op)', 'tg_table_schema', 'tg_table_name', ...values].join(', ')});`;
  const isActor = `(new."actor" is not distinct from old."actor" or new."actor" like 'erased-%')`;
  const isReason = `(new."reason" is not distinct from old."reason" or new."reason" like '%[erased]%')`;
  const isSame = KEPT.map((column) => `new."${column}" is not distinct from old."${column}"`).join(' and ');
  return [
    {
      name: `${table}_keep_rows`,
      timing: 'before',
      events: ['delete'],
      forEach: 'row',
      when: `(current_setting('${ARCHIVE_REMOVAL_SETTING}'::text, true) IS DISTINCT FROM 'allowed'::text)`,
      body: refusal(` ${advice}`, `$allow$${ALLOW_ARCHIVE_REMOVAL_SQL}$allow$`),
    },
    {
      name: `${table}_keep_values`,
      timing: 'before',
      events: ['update'],
      forEach: 'row',
      body:
        `if current_setting('${PSEUDONYMISE_SETTING}', true) = 'allowed' and ${isSame} and ${isActor} and ${isReason} then return new; end if; ` +
        refusal(''),
    },
  ];
}

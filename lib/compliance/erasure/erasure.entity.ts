import { defineEntity, p, type TriggerDef } from '@mikro-orm/core';
import type { TablesSchema } from '../tables-schema.js';

/** One erasure of a person's data: asked for, and perhaps done. @internal */
export class ErasureRecord {
  id!: number;
  entity!: string;
  key!: unknown;
  requestedAt!: Date;
  dueAt!: Date;
  notBefore?: Date | null;
  actor?: string | null;
  reason?: string | null;
  extendedAt?: Date | null;
  extensionReason?: string | null;
  withdrawnAt?: Date | null;
  outcome?: string | null;
  finishedAt?: Date | null;
  checkedAt?: Date | null;
  certificate?: unknown;
  cells?: unknown;
  fingerprint?: unknown;
  ledger?: string | null;
  ledgerAskedAt?: Date | null;
}

/** Whose data and since when is written once. */
function erasureTrigger(): TriggerDef {
  const fixed = ['id', 'entity', 'key', 'requested_at'];
  return {
    name: 'erasure_keep_request',
    timing: 'before',
    events: ['update', 'delete'],
    forEach: 'row',
    body:
      `if tg_op = 'UPDATE' then if ${fixed.map((column) => `old."${column}" = new."${column}"`).join(' and ')} then return new; end if; end if; ` +
      `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: whose data is erased and since when is written once.', lower(tg_op), tg_table_schema, tg_table_name);`,
  };
}

/** @internal */
export const erasureSchema = (schema: TablesSchema) =>
  defineEntity({
    ...schema,
    class: ErasureRecord,
    tableName: 'erasure',
    properties: {
      id: p.integer().primary().fieldName('id').autoincrement(),
      entity: p.text().fieldName('entity'),
      /** The texts of the key's columns. */
      key: p.json().fieldName('key'),
      requestedAt: p.datetime().fieldName('requested_at'),
      dueAt: p.datetime().fieldName('due_at'),
      notBefore: p.datetime().fieldName('not_before').nullable(),
      actor: p.text().fieldName('actor').nullable(),
      reason: p.text().fieldName('reason').nullable(),
      extendedAt: p.datetime().fieldName('extended_at').nullable(),
      extensionReason: p.text().fieldName('extension_reason').nullable(),
      withdrawnAt: p.datetime().fieldName('withdrawn_at').nullable(),
      /** `partial` or `completed`, once it was tried. */
      outcome: p.text().fieldName('outcome').nullable(),
      finishedAt: p.datetime().fieldName('finished_at').nullable(),
      /** When a run has looked for rows that came after it. */
      checkedAt: p.datetime().fieldName('checked_at').nullable(),
      /** What was done to which entities: numbers, keys, grounds. */
      certificate: p.json().fieldName('certificate').nullable(),
      /** Where old values were found afterwards, without the values. */
      cells: p.json().fieldName('cells').nullable(),
      /** By which the person is told from another one of the same key. */
      fingerprint: p.json().fieldName('fingerprint').nullable(),
      /** `owed` or `told`. */
      ledger: p.text().fieldName('ledger').nullable(),
      /** Since when somebody waits for the ledger's answer. */
      ledgerAskedAt: p.datetime().fieldName('ledger_asked_at').nullable(),
    },
    indexes: [{ properties: ['entity', 'key'] }],
    triggers: [erasureTrigger()],
  });

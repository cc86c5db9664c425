import { defineEntity, p, type TriggerDef } from '@mikro-orm/core';
import { appendOnlyTrigger } from '../record/append-only-trigger.js';
import { PSEUDONYMISE_SETTING } from '../../sql/guard-setting.js';

/** A hold, placed and perhaps released. @internal */
export class LegalHoldRecord {
  id!: number;
  name!: string;
  reason!: string;
  placedAt!: Date;
  placedBy?: string | null;
  reviewAt?: Date | null;
  releasedAt?: Date | null;
  releasedBy?: string | null;
  releaseReason?: string | null;
}

/** A row that a hold was placed on. @internal */
export class LegalHoldRow {
  hold!: number;
  entity!: string;
  key!: unknown;
}

/** Refuses every change of a hold but its release, and an erasure that takes a person's name out of a released one. */
function releaseOnlyTrigger(): TriggerDef {
  const kept = (row: string) => `to_jsonb(${row}) - 'released_at' - 'released_by' - 'release_reason'`;
  const unnamed = (row: string) =>
    `to_jsonb(${row}) - 'name' - 'reason' - 'placed_by' - 'released_by' - 'release_reason'`;
  return {
    name: 'legal_hold_release_only',
    timing: 'before',
    events: ['update', 'delete'],
    forEach: 'row',
    body:
      `if tg_op = 'UPDATE' then if old.released_at is null and new.released_at is not null and ${kept('old')} = ${kept('new')} then return new; end if; end if; ` +
      `if tg_op = 'UPDATE' then if current_setting('${PSEUDONYMISE_SETTING}', true) = 'allowed' and old.released_at is not null and ${unnamed('old')} = ${unnamed('new')} then return new; end if; end if; ` +
      `raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: of a hold only its release may be written.', lower(tg_op), tg_table_schema, tg_table_name);`,
  };
}

/** @internal */
export const LegalHoldSchema = defineEntity({
  class: LegalHoldRecord,
  tableName: 'legal_hold',
  properties: {
    id: p.integer().primary().fieldName('id').autoincrement(),
    name: p.text().fieldName('name'),
    reason: p.text().fieldName('reason'),
    placedAt: p.datetime().fieldName('placed_at').defaultRaw('clock_timestamp()'),
    placedBy: p.text().fieldName('placed_by').nullable(),
    reviewAt: p.datetime().fieldName('review_at').nullable(),
    releasedAt: p.datetime().fieldName('released_at').nullable(),
    releasedBy: p.text().fieldName('released_by').nullable(),
    releaseReason: p.text().fieldName('release_reason').nullable(),
  },
  triggers: [releaseOnlyTrigger()],
});

/** @internal */
export const LegalHoldRowSchema = defineEntity({
  class: LegalHoldRow,
  tableName: 'legal_hold_row',
  properties: {
    hold: p.integer().primary().fieldName('hold'),
    entity: p.string().primary().fieldName('entity').columnType('text'),
    /** The texts of the key's columns. */
    key: p.json().primary().fieldName('key'),
  },
  triggers: [appendOnlyTrigger('legal_hold_row')],
});

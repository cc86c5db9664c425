import { defineEntity, p } from '@mikro-orm/core';
import { recordTrigger } from './record-trigger.js';
import type { TablesSchema } from '../tables-schema.js';

/**
 * One row for each entity that an operation has reached. Written by raw SQL, in the operation's transaction, and never changed.
 *
 * @internal
 */
export class DeletionRecord {
  at!: Date;
  id!: string;
  action!: string;
  entity!: string;
  unit?: Date | null;
  count!: string;
  keys?: unknown;
  units?: unknown;
  unitTimes?: string[] | null;
  actor?: string | null;
  reason?: string | null;
}

/** The time belongs to the primary key so that the table may be partitioned by it. @internal */
export const deletionRecordSchema = (schema: TablesSchema) =>
  defineEntity({
    ...schema,
    class: DeletionRecord,
    tableName: 'deletion_record',
    properties: {
      at: p.datetime().primary().fieldName('at').defaultRaw('clock_timestamp()'),
      id: p.bigint().primary().fieldName('id').autoincrement(),
      action: p.text().fieldName('action'),
      entity: p.text().fieldName('entity'),
      unit: p.datetime().fieldName('unit').nullable(),
      count: p.bigint().fieldName('count'),
      /** The primary keys of rows that came back or went, each a list of the texts of its columns. */
      keys: p.json().columnType('json').fieldName('keys').nullable(),
      /** The time that each of these was deleted at, where they differ; of a month that went as a whole, its beginning and end. */
      units: p.json().fieldName('units').nullable(),
      /** The same of rows that a purge has removed, of which there are many. */
      unitTimes: p.array().columnType('timestamptz[]').fieldName('unit_times').nullable(),
      actor: p.text().fieldName('actor').nullable(),
      reason: p.text().fieldName('reason').nullable(),
    },
    indexes: [{ properties: ['entity', 'unit'] }],
    triggers: [recordTrigger('deletion_record')],
  });

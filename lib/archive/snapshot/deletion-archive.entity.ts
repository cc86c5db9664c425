import { defineEntity, p } from '@mikro-orm/core';
import { archiveTriggers } from './archive-triggers.js';

/**
 * One row that a deletion has removed from its table. Triggers refuse to change and to remove it to
 * everybody but this package.
 *
 * The key begins with what restorations look for, the index with what the purge and the members of a unit are found by. Both hold the
 * time of the unit, so that the table can be partitioned by it.
 *
 * @internal
 */
export const DeletionArchive = defineEntity({
  name: 'DeletionArchive',
  tableName: 'deletion_archive',
  comment: 'Rows that were deleted from tables with the archive strategy.',
  indexes: [{ properties: ['entity', 'unit'] }],
  triggers: archiveTriggers('deletion_archive'),
  properties: {
    /** The entity whose table the row was in: in a table-per-type hierarchy there is one row for each table. */
    part: p.text().primary(),
    /** Its primary key as text; a composite one as a JSON array. */
    key: p.text().primary(),
    /** The time of the deletion, which all rows of the unit share. */
    unit: p.datetime().columnType('timestamptz').primary(),
    /** The archived entity that the row belongs to, whose retention it has: its own, or the one it was removed along with. */
    entity: p.text(),
    /** The schema of the table, where the entity lives in that of the entity manager. */
    schema: p.text().default(''),
    /** The rows of the unit that took this one along, each as `Entity:key`. */
    owners: p.type('text[]').nullable(),
    /** The text of each column. */
    data: p.json(),
    /** The types of the columns, a line each, in the order of the keys of `data`. */
    types: p.text(),
    /** Rows that stayed: those whose keys to this one the deletion has cleared, and soft-deleted ones that it took along. */
    links: p.json().nullable(),
    actor: p.text().nullable(),
    reason: p.text().nullable(),
  },
});

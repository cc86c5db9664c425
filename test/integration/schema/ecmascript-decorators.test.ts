import type { EntityClass } from '@mikro-orm/core';
import { createTestOrm } from '../../support/orm.js';
import { indexesOf } from './table-objects.js';

/** Kept from the type checker's eyes: it knows one kind of decorators per program. The others are in their own. */
const fixture: string = './ecmascript-entities.es.js';

describe('ECMAScript decorators', () => {
  it('declare the same indexes as those of TypeScript, above and below @Entity()', async () => {
    const { entities } = (await import(fixture)) as { entities: EntityClass[] };
    const test = await createTestOrm(entities);
    try {
      expect(await indexesOf(test.database, 'seat')).toEqual({
        seat_code_unique: 'UNIQUE INDEX seat_code_unique on btree (code) WHERE (removed_at IS NULL)',
        seat_removed_at_id_index:
          'INDEX seat_removed_at_id_index on btree (removed_at, id) WHERE (removed_at IS NOT NULL)',
        seat_room_seat_unique: 'UNIQUE INDEX seat_room_seat_unique on btree (room, seat) WHERE (removed_at IS NULL)',
        seat_seat_index: 'INDEX seat_seat_index on btree (seat)',
      });
      expect(await indexesOf(test.database, 'booking')).toEqual({
        booking_deleted_at_id_index:
          'INDEX booking_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
        booking_former: 'UNIQUE INDEX booking_former on btree (former_id) WHERE (deleted_at IS NULL)',
        booking_note_index: 'INDEX booking_note_index on btree (note) WHERE (deleted_at IS NULL)',
        booking_seat_id_unique: 'UNIQUE INDEX booking_seat_id_unique on btree (seat_id) WHERE (deleted_at IS NULL)',
      });
      expect(await test.database.query('select tgname from pg_trigger where not tgisinternal')).toEqual([
        { tgname: 'soft_delete_guard' },
      ]);
      expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
    } finally {
      await test.close();
    }
  });
});

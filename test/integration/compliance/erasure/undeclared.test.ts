import { defineEntity, p } from '@mikro-orm/core';
import { erased, ErasureService, NoPersonalData, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

class Guest {
  id!: number;
  email!: string;
}
class Stay {
  id!: number;
}
class Invoice {
  id!: number;
}

/** Defined without decorators. */
const GuestSchema = personalData(
  defineEntity({
    class: Guest,
    tableName: 'guest',
    properties: { id: p.integer().primary(), email: p.string(), ip: p.type('inet').columnType('inet').nullable() },
  } as never) as any,
  { subject: true, fields: { email: erased.email() } },
);
const StaySchema = defineEntity({
  class: Stay,
  tableName: 'stay',
  properties: { id: p.integer().primary(), guest: () => p.manyToOne(GuestSchema), wish: p.text() },
} as never) as any;
const InvoiceSchema = personalData(
  defineEntity({
    class: Invoice,
    tableName: 'invoice',
    properties: {
      id: p.integer().primary(),
      stay: () => p.manyToOne(StaySchema),
      payload: p.json().nullable(),
      scan: p.blob().nullable(),
      number: p.string(),
      total: p.integer(),
    },
  } as never) as any,
  { of: 'stay.guest', notPersonal: ['number'] },
);

describe(`${ErasureService.name} and what nobody has declared`, () => {
  const test = useErasures([GuestSchema, StaySchema, InvoiceSchema]);

  it('refuses entities and columns before anything is written', async () => {
    await test.rows(`
      insert into guest (id, email) values (1, 'ada@example.org');
      insert into stay (id, guest_id, wish) values (1, 1, 'a room for Ada')`);
    const refused = {
      code: 'ERASURE_UNDECLARED',
      entity: 'Guest',
      undeclared: [
        { entity: 'Guest', properties: ['ip'] },
        { entity: 'Invoice', properties: ['payload', 'scan'] },
        { entity: 'Stay', properties: [] },
      ],
    };
    for (const refuse of ['plan', 'erase', 'request'] as const) {
      await expect(test.erasures[refuse](Guest, 1)).rejects.toMatchObject(refused);
    }
    await expect(test.erasures.erase(Guest, 1)).rejects.toThrow(
      'Guest was not erased: Guest does not declare whether ip is personal; Invoice does not declare whether payload, scan are personal; ' +
        'Stay has no @PersonalData() that leads to it.',
    );
    await expect(test.erasures.erase(Stay, 1)).rejects.toMatchObject({
      undeclared: [{ entity: 'Stay', properties: [] }],
    });
    await expect(test.erasures.erase(Test as never, 1 as never)).rejects.toThrow('Test is not an entity of this ORM');
    expect(await test.rows('select email from guest')).toEqual([{ email: 'ada@example.org' }]);
    expect(await test.rows('select 1 from erasure union all select 1 from deletion_record')).toEqual([]);
  });
});

@NoPersonalData()
class Test {
  id!: number;
}
